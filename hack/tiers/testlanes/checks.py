"""What `make check` runs: every static check, the slow ones beside the quick ones."""

from __future__ import annotations

from typing import Final

from testlanes.job import Job

_PY: Final = ("uv", "run", "--no-sync")


def _quick(name: str, *argv: str) -> Job:
    return Job(name=name, lane="quick", argv=argv)


CHECKS: Final = (
    Job(name="mypy", lane="types", argv=("hack/tiers/check-types",)),
    _quick("lock file", "uv", "lock", "--check", "--quiet"),
    _quick("ruff format", *_PY, "ruff", "format", "--check", "--quiet", "."),
    _quick("ruff", *_PY, "ruff", "check", "--quiet", "."),
    _quick("shell", "hack/tiers/check-shell"),
    _quick("yamllint", *_PY, "yamllint", "--strict", "-c", ".yamllint.yaml", "."),
    _quick("layers", *_PY, "lint-imports", "--no-cache", "--no-logo"),
    _quick("generated", "hack/generate", "--check"),
    _quick("dashboard", "npm", "--prefix", "tenant/dashboard", "run", "--silent", "check"),
)
