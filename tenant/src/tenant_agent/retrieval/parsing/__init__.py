"""Readers of document formats; they run in a child process with hard limits (`sandbox`)."""
