"""What the operator's host agent does, as changes of a simulated machine.

The names, arguments, files and records are those of the agent that the operator sends; its code is
not run. The hardening list is worked off item by item with the machine's own programs, so an item
that needs something the machine does not have fails here too.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import yaml

from localcloud.machines.simulated_host import programs
from localcloud.machines.simulated_host.ended import Ended
from localcloud.machines.simulated_host.host import (
    DATA,
    HOST_KEY,
    STATE,
    WHICH_VOLUME,
    Host,
    Pace,
    RunningJob,
)

AGENT = "/opt/tenant/host-agent/hostagent.pyz"
STAGED_KEY = "/opt/tenant/host-agent/host-key"
RELEASES = "/opt/tenant/releases"
ROUTES = "/opt/tenant/config/traefik/dynamic/routes.yaml"
OTHER = {"blue": "green", "green": "blue"}
Item = dict[str, Any]


class JobError(Exception):
    """A job cannot go on, in the agent's own terms."""

    def __init__(self, failure: str, message: str) -> None:
        super().__init__(message)
        self.failure = failure


def start(host: Host, argv: Sequence[str], now: datetime, pace: Pace) -> Ended:
    """`start LIMIT PLAN`: note the jobs of the plan; those that run already are left alone."""
    busy = {job.name for job in host.running}
    plan = [entry for entry in json.loads(argv[1]) if entry[0] not in busy]
    if unknown := [name for name, *_ in plan if name not in WORK]:
        return Ended(127, "", f"{unknown[0]}: the simulated machine has no such job")
    unit = f"tenant-job-{uuid.uuid4().hex[:8]}.service"
    for name, digest, *arguments in plan:
        begins = max([_may_begin(host, name, now, pace), *(job.ends for job in host.running)])
        ends = begins + timedelta(seconds=pace.jobs.get(name, 0.0))
        host.running.append(
            RunningJob(name=name, digest=digest, unit=unit, arguments=arguments, ends=ends)
        )
        host.write_record(_record(name, digest, now, phase="running", message="started"))
    return Ended(out="" if plan else "running already\n")


def _may_begin(host: Host, name: str, now: datetime, pace: Pace) -> datetime:
    """The host key is replaced at once; everything else waits for cloud-init."""
    ready = host.ready_at(pace)
    if name == "host-key" or ready is None:
        return now
    return max(now, ready + timedelta(seconds=pace.cloud_init))


def advance(host: Host, now: datetime) -> bool:
    """Let every job end whose time has come, in order; whether any did.

    A job that fails takes those with it that would have come after it in its unit.
    """
    ended = False
    while host.running and host.running[0].ends <= now:
        job = host.running.pop(0)
        ended = True
        if not _finish(host, job):
            for other in [each for each in host.running if each.unit == job.unit]:
                host.running.remove(other)
                host.remove_record(other.name)
    return ended


def _finish(host: Host, job: RunningJob) -> bool:
    ending: dict[str, Any] = {"finished": job.ends.isoformat(timespec="milliseconds")}
    try:
        _planned_failure(host, job)
        ending |= {"phase": "done", "message": WORK[job.name](host, job.arguments)}
    except JobError as error:
        ending |= {"phase": "failed", "failure": error.failure, "message": str(error)}
    finally:
        _count_down(host, ending)
    host.write_record(_record(job.name, job.digest, job.ends, **ending))
    return bool(ending.get("phase") == "done")


def _planned_failure(host: Host, job: RunningJob) -> None:
    faults = host.faults
    if faults.job and faults.job_name == job.name:
        raise JobError(faults.job, programs.FAULT_TEXTS.get(faults.job, f"{job.name} failed"))


def _count_down(host: Host, ending: dict[str, Any]) -> None:
    if ending.get("phase") == "failed" and host.faults.job_times:
        host.faults.job_times -= 1
        if not host.faults.job_times:
            host.faults.job = host.faults.job_name = ""


def _record(name: str, digest: str, at: datetime, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "digest": digest,
        "failure": None,
        "message": "",
        "started": at.isoformat(timespec="milliseconds"),
        "finished": None,
        **fields,
    }


def _must(host: Host, argv: Sequence[str], otherwise: str = "other") -> None:
    ended = programs.run(host, argv)
    if ended.code:
        failure = next(
            (name for name, text in programs.FAULT_TEXTS.items() if text == ended.err), otherwise
        )
        raise JobError(failure, f"`{' '.join(argv)}` ended with {ended.code}: {ended.err}")


def rotate(host: Host, _arguments: Sequence[str]) -> str:
    """Move the staged host key into place."""
    if host.files.read(STAGED_KEY) is None:
        raise JobError("other", f"{STAGED_KEY} is missing: the key was not copied before the job")
    host.files.rename(STAGED_KEY, HOST_KEY)
    host.files.rename(f"{STAGED_KEY}.pub", f"{HOST_KEY}.pub")
    return "the host key was replaced"


def harden(host: Host, arguments: Sequence[str]) -> str:
    """Work the declared list off."""
    items = read_list(host, arguments[0])
    for item in items:
        if item.get("early"):
            _write_files(host, item)
    changed = [item["name"] for item in items if _bring(host, item)]
    return f"changed: {', '.join(changed)}" if changed else "nothing to change"


def read_list(host: Host, path: str) -> list[Item]:
    """The items of a list that was placed on the machine."""
    text = host.files.text(path)
    if not text:
        raise JobError("other", f"{path} is missing")
    items: list[Item] = json.loads(text)["items"]
    return items


def _bring(host: Host, item: Item) -> bool:
    wrote = _write_files(host, item)
    if not wrote and next(differences(host, item), None) is None:
        return False
    packages = item.get("packages", [])
    if programs.run(host, ["dpkg-query", "-W", *packages]).code:
        _must(host, ["apt-get", "update"], "apt-failed")
        _must(host, ["apt-get", "install", *packages], "apt-failed")
    for argv in item.get("apply", []):
        _must(host, argv)
    remaining = next(differences(host, item), None)
    if remaining is not None:
        raise JobError("other", f"hardening item {item['name']} does not hold: {remaining}")
    return True


def _write_files(host: Host, item: Item) -> bool:
    changed = False
    for path in item.get("absent", []):
        changed |= host.files.get(path) is not None
        host.files.remove(path)
    for file in item.get("files", []):
        if not _same(host, file):
            changed = True
            host.files.write(file["path"], file["content"].encode(), file["mode"])
    return changed


def _same(host: Host, file: Item) -> bool:
    node = host.files.get(file["path"])
    wanted = (file["content"].encode(), file["mode"])
    return node is not None and (node.content, node.mode) == wanted


def differences(host: Host, item: Item) -> Iterator[str]:
    """Every way in which the machine is not what the item declares."""
    for file in item.get("files", []):
        if not _same(host, file):
            yield f"{file['path']} is not as declared"
    for path in item.get("absent", []):
        if host.files.get(path) is not None:
            yield f"{path} exists"
    for package in item.get("packages", []):
        if package not in host.packages:
            yield f"package {package} is not installed"
    yield from _state_differences(host, item)
    for check in item.get("checks", []):
        yield from _check(host, check)


def _state_differences(host: Host, item: Item) -> Iterator[str]:
    for unit in item.get("units", []):
        asked = ["systemctl", "show", unit, "--property=ActiveState", "--value"]
        state = programs.run(host, asked).out.strip()
        if state != "active":
            yield f"{unit} is {state}"
    for key, value in item.get("sysctls", {}).items():
        if host.sysctls.get(key) != value:
            yield f"{key} is {host.sysctls.get(key)}, not {value}"


def _check(host: Host, check: Item) -> Iterator[str]:
    ended = programs.run(host, check["argv"])
    if ended.code:
        yield f"`{' '.join(check['argv'])}` ended with {ended.code}: {ended.err}"
        return
    for pattern in check.get("prints", []):
        if not re.search(pattern, ended.out, re.MULTILINE | re.IGNORECASE):
            yield f"`{' '.join(check['argv'])}` does not print {pattern!r}"


def mount_disk(host: Host, arguments: Sequence[str]) -> str:
    """Mount a volume at `/srv/tenant`, making a file system on an empty one."""
    disk = host.volumes.get(int(arguments[0]))
    if disk is None:
        raise JobError(
            "disk-missing",
            f"/dev/disk/by-id/scsi-0HC_Volume_{arguments[0]} did not appear: "
            "is the volume attached to this server?",
        )
    if disk.fs not in ("", "xfs"):
        raise JobError("foreign-disk", f"the volume holds {disk.fs}, not XFS: it is not touched")
    disk.fs = "xfs"
    host.mounted = disk.volume_id
    host.files.write(WHICH_VOLUME, f"DEVICE=scsi-0HC_Volume_{disk.volume_id}\n".encode())
    host.units["tenant-data.service"] = "active"
    return "mounted"


def deploy(host: Host, arguments: Sequence[str]) -> str:
    """Put a release into service in the idle slot, or in the live one when the agent is equal."""
    digest = arguments[0]
    folder = f"{RELEASES}/{digest}"
    if host.mounted is None:
        raise JobError("disk-missing", f"{DATA} is not mounted: no container may write there")
    for image in json.loads(host.files.text(f"{folder}/images.json")):
        if image not in host.images:
            _must(host, ["docker", "pull", "--quiet", image], "pull-failed")
    _install(host, folder)
    before = read_state(host)
    color = _choose_color(host, folder, before)
    _bring_up(host, ["postgres", "redis", f"agent-{color}", "worker", "traefik"])
    host.files.write(ROUTES, host.files.read(f"{folder}/routes/{color}.yaml") or b"")
    _write_state(host, digest, color, before)
    if before.get("color") != color:
        host.services.pop(f"agent-{before.get('color')}", None)
    _prune(host)
    return f"release {digest} serves from agent-{color}"


def read_state(host: Host) -> dict[str, Any]:
    """Which release is live; empty before the first."""
    state = json.loads(host.files.text(STATE) or "{}")
    return state if isinstance(state, dict) else {}


def _install(host: Host, folder: str) -> None:
    for path, wanted in json.loads(host.files.text(f"{folder}/directories.json")).items():
        host.files.mkdir(path, wanted["mode"])
    for path, node in list(host.files.files(f"{folder}/root")):
        target = path.removeprefix(f"{folder}/root")
        host.files.write(target, node.content or b"", node.mode)
        host.files.change(target, uid=node.uid, gid=node.gid)


def _choose_color(host: Host, folder: str, before: dict[str, Any]) -> str:
    live = before.get("color")
    if live not in OTHER or f"agent-{live}" not in host.services:
        return live if live in OTHER else "blue"
    same = _definition(host, folder, live) == _definition(
        host, f"{RELEASES}/{before['release']}", live
    )
    return live if same else OTHER[live]


def _definition(host: Host, folder: str, color: str) -> Any:
    project = yaml.safe_load(host.files.text(f"{folder}/compose.yaml")) or {}
    return (project.get("services") or {}).get(f"agent-{color}")


def _bring_up(host: Host, services: Sequence[str]) -> None:
    for service in services:
        if host.faults.unhealthy and service.startswith(host.faults.unhealthy):
            host.services[service] = "unhealthy"
            raise JobError("unhealthy", f"{service}: container tenant-{service}-1 is unhealthy")
        host.services[service] = "healthy"


def _write_state(host: Host, digest: str, color: str, before: dict[str, Any]) -> None:
    live = before.get("release")
    previous = live if live != digest else before.get("previous")
    state = {"release": digest, "color": color, "previous": previous}
    host.files.write(STATE, json.dumps(state).encode() + b"\n")


def _prune(host: Host) -> None:
    state = read_state(host)
    for name in host.files.children(RELEASES):
        if name not in {state.get("release"), state.get("previous")}:
            host.files.remove(f"{RELEASES}/{name}")


def stop(host: Host, _arguments: Sequence[str]) -> str:
    """Stop every service and let go of the data disk."""
    host.services.clear()
    host.files.write(STATE, b"{}\n")
    host.mounted = None
    if "tenant-data.service" in host.units:
        host.units["tenant-data.service"] = "inactive"
    return "stopped"


def bake(host: Host, arguments: Sequence[str]) -> str:
    """Harden, pull, and forget the machine's identity when it shuts down."""
    message = harden(host, [arguments[0]])
    for image in json.loads(host.files.text(arguments[1]) or "[]"):
        _must(host, ["docker", "pull", "--quiet", image], "pull-failed")
    host.sealed = True
    return f"{message}; images pulled; sealed at shutdown"


WORK: dict[str, Callable[[Host, Sequence[str]], str]] = {
    "host-key": rotate,
    "harden": harden,
    "data-disk": mount_disk,
    "deploy": deploy,
    "stop": stop,
    "bake": bake,
}
