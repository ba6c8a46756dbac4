"""`start` hands jobs to systemd; `work` is what runs inside the unit; the rest are the jobs.

A unit works its jobs off in order and stops at the first that fails; those after it are as if they
had never been asked for. It outlives the SSH connection and the operator. `start` writes the
records before systemd runs anything, so that the next look never finds those of an older run.
"""

from __future__ import annotations

import fcntl
import json
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import certificate, cloudinit, disk, harden, hostkey, records, seal, stack
from .failures import JobError, redact
from .places import Places
from .process import run
from .records import Progress, Record, now

Work = Callable[[Places, Sequence[str], Progress], str]
Plan = list[list[str]]
"""Per job its name, its digest and its arguments."""

JOBS: dict[str, Work] = {
    "host-key": hostkey.install,
    "harden": harden.apply_list,
    "data-disk": disk.mount_volume,
    "deploy": stack.deploy,
    "stop": stack.stop,
    "bake": seal.bake,
}
DURING_BOOT = {"host-key"}
"""What need not wait for cloud-init: it has put its own host key in place before sshd started."""


def main(argv: Sequence[str], places: Places | None = None) -> int:
    """`start LIMIT PLAN`, `work UNIT PLAN`, `check LIST` or `certificate`; PLAN is JSON."""
    places = places or Places()
    verb, *rest = argv
    if verb == "start":
        return start(places, limit=rest[0], plan=json.loads(rest[1]))
    if verb == "work":
        return work(places, unit=rest[0], plan=json.loads(rest[1]))
    if verb == "check":
        sys.stdout.write(harden.drift_as_json(places, Path(rest[0])))
        return 0
    if verb == "certificate":
        certificate.try_again(places)
        return 0
    sys.stderr.write(f"unknown verb {verb!r}: use start, work, check or certificate\n")
    return 2


def start(places: Places, *, limit: str, plan: Plan) -> int:
    """Start jobs as one transient unit; those that run already are left out."""
    plan = [entry for entry in plan if not runs(places, entry[0])]
    if not plan:
        sys.stdout.write("running already\n")
        return 0
    unit = f"tenant-job-{plan[0][0]}-{secrets.token_hex(4)}.service"
    before = {name: records.read(places, name) for name, *_ in plan}
    for name, digest, *_ in plan:
        records.write(places, Record(name=name, digest=digest, unit=unit, message="waiting"))
    options = ("--collect", "--quiet", f"--property=RuntimeMaxSec={limit}", "--property=Nice=5")
    program = (sys.executable, sys.argv[0], "work", unit, json.dumps(plan))
    ended = run(["systemd-run", f"--unit={unit}", *options, "--", *program])
    if not ended.ok:
        for name, record in before.items():
            records.put_back(places, name, record)
        sys.stderr.write(ended.err)
    return ended.code


def runs(places: Places, name: str) -> bool:
    """Whether a job of that name is under way: its record says so and its unit lives."""
    record = records.read(places, name)
    return (
        record is not None
        and record.phase == "running"
        and run(["systemctl", "is-active", "--quiet", record.unit]).ok
    )


def work(places: Places, *, unit: str, plan: Plan) -> int:
    """Run jobs to their end or to the first failure, and record how each ended."""
    waiting = list(plan)
    try:
        with one_at_a_time(places, Progress(places, record_of(unit, plan[0]))):
            while waiting:
                carry_out(places, unit, waiting.pop(0))
    except JobError as error:
        sys.stderr.write(f"{redact(error.message, secret_values(places))}\n")
        return 1
    finally:
        for name, *_ in waiting:
            records.put_back(places, name, None)
    return 0


def carry_out(places: Places, unit: str, entry: Sequence[str]) -> None:
    """Run one job and record its end.

    Raises:
        JobError: it failed, as its record says by then.
    """
    name, _, *arguments = entry
    progress = Progress(places, record_of(unit, entry))
    try:
        if name not in DURING_BOOT:
            cloudinit.wait(progress)
        message = JOBS[name](places, arguments, progress)
    except JobError as error:
        text = redact(error.message, secret_values(places))
        progress.end(failure=error.failure, message=text)
        raise
    except OSError as error:
        failure = "disk-full" if error.errno == 28 else "other"
        progress.end(failure=failure, message=f"{type(error).__name__}: {error}")
        raise
    progress.end(message=message)


def record_of(unit: str, entry: Sequence[str]) -> Record:
    """The record of a job that begins."""
    return Record(name=entry[0], digest=entry[1], unit=unit, started=now())


@contextmanager
def one_at_a_time(places: Places, progress: Progress) -> Iterator[None]:
    """Units wait for each other: apt, Docker and disks are shared."""
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
