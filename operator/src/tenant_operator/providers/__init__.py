"""Transports that more than one adapter speaks through."""
