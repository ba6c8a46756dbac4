"""`start` hands a job to systemd; `work` is what runs inside the unit; the rest are the jobs.

The unit outlives the SSH connection and the operator. `start` writes the record before systemd
runs anything, so that the next look never finds the record of an older run.
"""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import certificate, disk, harden, hostkey, seal, stack
from .failures import JobError, redact
from .places import Places
from .process import run
from .records import Progress, Record, now, read, write

Work = Callable[[Places, Sequence[str], Progress], str]

JOBS: dict[str, Work] = {
    "host-key": hostkey.install,
    "harden": harden.apply_list,
    "data-disk": disk.mount_volume,
    "deploy": stack.deploy,
    "stop": stack.stop,
    "bake": seal.bake,
}


def main(argv: Sequence[str], places: Places | None = None) -> int:
    """`start NAME DIGEST LIMIT ARG…`, `work NAME DIGEST ARG…`, `check LIST` or `certificate`."""
    places = places or Places()
    verb, *rest = argv
    if verb == "start":
        return start(places, rest)
    if verb == "work":
        return work(places, rest)
    if verb == "check":
        sys.stdout.write(harden.drift_as_json(places, Path(rest[0])))
        return 0
    if verb == "certificate":
        certificate.try_again(places)
        return 0
    sys.stderr.write(f"unknown verb {verb!r}: use start, work, check or certificate\n")
    return 2


def start(places: Places, argv: Sequence[str]) -> int:
    """Start a job as a transient unit unless it is running already."""
    name, digest, limit, *program = argv
    unit = f"tenant-job-{name}.service"
    if run(["systemctl", "is-active", "--quiet", unit]).ok:
        sys.stdout.write(f"{unit} is running already\n")
        return 0
    run(["systemctl", "reset-failed", unit])
    before = read(places, name)
    write(places, Record(name=name, digest=digest, phase="running", started=now()))
    options = ("--collect", "--quiet", f"--property=RuntimeMaxSec={limit}", "--property=Nice=5")
    ended = run(["systemd-run", f"--unit={unit}", *options, "--", *program])
    if not ended.ok:
        if before is not None:
            write(places, before)
        sys.stderr.write(ended.err)
    return ended.code


def work(places: Places, argv: Sequence[str]) -> int:
    """Run a job to its end and record how it ended."""
    name, digest, *rest = argv
    progress = Progress(places, Record(name=name, digest=digest, phase="running", started=now()))
    try:
        with one_at_a_time(places, progress):
            message = JOBS[name](places, rest, progress)
    except JobError as error:
        text = redact(error.message, secret_values(places))
        progress.end(failure=error.failure, message=text)
        sys.stderr.write(f"{text}\n")
        return 1
    except OSError as error:
        failure = "disk-full" if error.errno == 28 else "other"
        progress.end(failure=failure, message=f"{type(error).__name__}: {error}")
        raise
    progress.end(message=message)
    return 0


@contextmanager
def one_at_a_time(places: Places, progress: Progress) -> Iterator[None]:
    """Jobs of different names wait for each other: apt, Docker and disks are shared."""
    path = places.at("/run/tenant/job.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say("waiting for another job on this machine")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def secret_values(places: Places) -> list[str]:
    """Every secret on this machine, to be cut out of error texts."""
    found = [path for path in places.secrets.glob("*/*") if path.is_file()]
    return [path.read_text(errors="replace").strip() for path in found]
