"""Where servers of the local cloud really run: container machines or simulated hosts."""
