"""The sign of life of the worker: a file whose age `healthcheck-worker` looks at."""

from pathlib import Path

ALIVE_FILE = Path("/tmp/tenant-agent-worker-alive")  # noqa: S108 - writable in the container
STALE_SECONDS = 30.0


def is_alive(now: float, path: Path = ALIVE_FILE) -> bool:
    """Return whether the worker did its round lately."""
    try:
        return now - path.stat().st_mtime < STALE_SECONDS
    except FileNotFoundError:
        return False
