"""The demo: the whole chain on one machine, step by step."""
