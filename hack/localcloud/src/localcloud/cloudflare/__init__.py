"""Cloudflare's DNS API v4 over the shared record store."""
