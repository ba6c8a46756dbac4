"""Runs the jobs of `make test` and `make check` side by side; see `plan` for what they are."""
