"""Makes the Docker images of a development machine and of a release.

Uses the standard library only, so that a release runner needs no environment of this repository.
"""
