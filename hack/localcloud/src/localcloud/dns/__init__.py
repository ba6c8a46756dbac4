"""Authoritative DNS over the shared record store, UDP and TCP."""
