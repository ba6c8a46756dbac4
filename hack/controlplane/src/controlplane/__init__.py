"""A real Kubernetes API server on one machine, for development and tests."""
