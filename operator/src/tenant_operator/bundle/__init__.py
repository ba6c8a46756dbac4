"""What a tenant's machine runs, rendered from values; nothing here does I/O."""
