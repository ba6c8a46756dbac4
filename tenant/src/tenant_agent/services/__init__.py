"""Use cases, one per module; `web` and `jobs` are thin doors to these."""
