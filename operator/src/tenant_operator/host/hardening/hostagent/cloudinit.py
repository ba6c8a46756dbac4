"""Waiting for cloud-init, which may still be at work when the first connection comes."""

from __future__ import annotations

import time

from . import observe
from .failures import JobError
from .records import Progress

GLANCE_SECONDS = 0.02


def wait(progress: Progress) -> None:
    """Return once cloud-init is through.

    Raises:
        JobError: it failed, so this machine is not what was asked for.
    """
    if observe.cloud_init()[0] == "running":
        progress.say("waiting for cloud-init")
    while observe.cloud_init()[0] == "running":
        time.sleep(GLANCE_SECONDS)
    state, message = observe.cloud_init()
    if state == "error":
        raise JobError("other", f"cloud-init failed: {message}")
