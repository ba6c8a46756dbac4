"""The service that publishes host names: a port and its adapters."""
