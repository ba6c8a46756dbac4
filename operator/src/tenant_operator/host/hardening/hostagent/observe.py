"""Prints one JSON object with everything the operator wants to know about a machine.

Sent over standard input (`python3 - observe`), so it works on a machine that nothing was installed
on yet; standard library only, and no other module of the agent. It changes nothing but two notes:
where the operator came from, which fail2ban asks for before it bans somebody, and the hardening
check, which costs a second, is repeated at most every five minutes and kept in /run (the hardening
job leaves its own there).

Asked for news (`observe news`) while cloud-init or a job is running, it waits up to a second for
some before it answers, so that the operator hears of the end at once and not with its next look.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

JOBS = Path("/opt/tenant/jobs")
STATE = Path("/opt/tenant/state.json")
AGENT = Path("/opt/tenant/host-agent/hostagent.pyz")
HARDENING = Path("/opt/tenant/host-agent/harden.json")
DRIFT = Path("/run/tenant/drift.json")
DRIFT_SECONDS = 300.0
ROOT_DISK = ("/opt/tenant", "/")
DOCKER = "/run/docker.sock"
OPERATORS = Path("/opt/tenant/operators")
OPERATOR_SECONDS = 7 * 86400.0
DISKS = Path("/dev/disk/by-id")
VOLUME = "scsi-0HC_Volume_"
NEWS_SECONDS = 1.0
GLANCE_SECONDS = 0.02


def output(*argv: str, limit: float = 20) -> str:
    """What a program prints; nothing when it is missing, fails or hangs."""
    try:
        done = subprocess.run(argv, capture_output=True, timeout=limit, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


def load(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty when absent or broken."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def cloud_init() -> tuple[str, str]:
    """Whether cloud-init is through, and its errors."""
    result = load(Path("/run/cloud-init/result.json")).get("v1")
    if result is not None:
        errors = [str(error) for error in result.get("errors", [])]
        return ("error" if errors else "done", "; ".join(errors)[:500])
    absent = not Path("/usr/bin/cloud-init").exists()
    disabled = (
        Path("/run/cloud-init/disabled").exists() or Path("/etc/cloud/cloud-init.disabled").exists()
    )
    return ("done" if absent or disabled else "running", "")


def jobs() -> dict[str, Any]:
    """The record of every job; one that says running without a unit was interrupted."""
    units = {record.get("unit", "") for record in records().values() if running(record)}
    alive = {unit for unit in units if lives(unit)}
    found = records()  # read again: a job writes its end before its unit ends
    for record in found.values():
        if running(record) and record.get("unit", "") in units - alive:
            record |= {
                "phase": "failed",
                "failure": "interrupted",
                "message": f"stopped in the middle: {record.get('message', '')}",
            }
    return found


def records() -> dict[str, dict[str, Any]]:
    """What lies in the folder of job records, by job."""
    read = ((path.stem, load(path)) for path in JOBS.glob("*.json"))
    return {name: record for name, record in read if record}


def running(record: dict[str, Any]) -> bool:
    """Whether a job's record does not tell its end yet."""
    return record.get("phase") == "running"


def lives(unit: str) -> bool:
    """Whether a unit runs, or is about to."""
    state = output("systemctl", "show", unit, "--property=ActiveState", "--value").strip()
    return state in {"active", "activating", "deactivating", "reloading"}


def mounted_volume() -> int | None:
    """The cloud's number of the volume behind /srv/tenant."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        if fields[4] == "/srv/tenant":
            return volume_of(fields[2])
    return None


def volume_of(device: str) -> int | None:
    """The volume whose block device has the number `major:minor`."""
    for link in DISKS.glob(f"{VOLUME}*"):
        number = link.stat().st_rdev
        if f"{os.major(number)}:{os.minor(number)}" == device:
            return int(link.name.removeprefix(VOLUME))
    return None


def free_mib(*paths: str) -> int:
    """Free space behind the first path that exists; 0 when none does."""
    for path in paths:
        if Path(path).exists():
            found = os.statvfs(path)
            return found.f_bavail * found.f_frsize // 2**20
    return 0


def services() -> dict[str, str]:
    """Health of every Compose service, or its state where it has no health check."""
    labels = ["com.docker.compose.project=tenant", "com.docker.compose.oneoff=False"]
    found = {}
    for container in docker("/containers/json?all=1&filters=" + json.dumps({"label": labels})):
        service = container["Labels"]["com.docker.compose.service"]
        found[service] = health(container["State"], container["Status"])
    return found


def docker(path: str) -> list[dict[str, Any]]:
    """What the engine answers on its socket; nothing while it does not."""
    request = f"GET {path.replace(' ', '')} HTTP/1.0\r\nHost: docker\r\n\r\n"
    try:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.settimeout(20)
            engine.connect(DOCKER)
            engine.sendall(request.encode())
            answer = b"".join(iter(lambda: engine.recv(65536), b""))
        found = json.loads(answer.partition(b"\r\n\r\n")[2])
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []


def health(state: str, status: str) -> str:
    """`Up 3 minutes (healthy)` → healthy; `Up 2 seconds (health: starting)` → starting."""
    if state != "running" or "(" not in status:
        return state
    return status.rpartition("(")[2].rstrip(")").removeprefix("health: ")


def drift() -> dict[str, str]:
    """Hardening items that do not hold, by the host agent's own check."""
    if not HARDENING.exists() or load(JOBS / "harden.json").get("phase") != "done":
        return {}
    if DRIFT.exists() and time.time() - DRIFT.stat().st_mtime < DRIFT_SECONDS:
        return load(DRIFT)
    text = output(sys.executable, str(AGENT), "check", str(HARDENING))
    if text:
        DRIFT.parent.mkdir(parents=True, exist_ok=True)
        DRIFT.write_text(text)
    return load(DRIFT)


def going_on() -> list[str]:
    """What is running, in its own words; empty when nothing is."""
    found = ["cloud-init"] if cloud_init()[0] == "running" else []
    jobs_ = records().items()
    return found + [f"{name}: {job.get('message', '')}" for name, job in jobs_ if running(job)]


def agent() -> str:
    """The digest of the host agent; empty when there is none."""
    return hashlib.sha256(AGENT.read_bytes()).hexdigest() if AGENT.exists() else ""


def await_news(seconds: float) -> None:
    """Wait until something that is running ends or says something else."""
    known, end = going_on(), time.monotonic() + seconds
    while known and going_on() == known and time.monotonic() < end:
        time.sleep(GLANCE_SECONDS)


def note_operator(connection: str, now: float) -> None:
    """Leave a file named after the address this look comes from (sshd's `SSH_CONNECTION`).

    Nobody else looks, so nobody else is exempt from bans; a week without a look ends that.
    """
    client = connection.partition(" ")[0]
    try:
        OPERATORS.mkdir(parents=True, exist_ok=True)
        if client and "/" not in client:
            (OPERATORS / client).touch()
        for note in OPERATORS.iterdir():
            if now - note.stat().st_mtime > OPERATOR_SECONDS:
                note.unlink()
    except OSError as error:  # a full disk: the facts say so, and matter more
        sys.stderr.write(f"the operator's address could not be noted: {error}\n")


def observe() -> dict[str, Any]:
    """All facts."""
    state, message = cloud_init()
    mounted, release = mounted_volume(), load(STATE).get("release")
    return {
        "agent": agent(),
        "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "hostname": socket.gethostname(),
        "cloud_init": state,
        "cloud_init_message": message,
        "jobs": jobs(),
        "mounted_volume": mounted,
        "root_free_mib": free_mib(*ROOT_DISK),
        "data_free_mib": free_mib("/srv/tenant") if mounted is not None else 0,
        "release": release,
        "services": services() if release else {},
        "drift": drift(),
    }


if __name__ == "__main__":
    note_operator(os.environ.get("SSH_CONNECTION", ""), time.time())
    if "news" in sys.argv:
        await_news(NEWS_SECONDS)
    json.dump(observe(), sys.stdout)
