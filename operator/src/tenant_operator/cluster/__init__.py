"""The management cluster: how to sign in to it and how to write to it."""
