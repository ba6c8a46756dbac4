"""The agent a customer works with, on a machine that is theirs alone."""
