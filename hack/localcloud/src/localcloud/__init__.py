"""A cloud on one machine that real clients cannot tell from the real one by its wire."""
