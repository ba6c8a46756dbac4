"""The jobs that turn a stock Debian 13 into a tenant's machine, and what it says of itself.

Pure: a job is files to place and an argument list; the digest covers both, so that "done already?"
is one comparison. The work itself is done by the host agent (`host/hardening/hostagent`).
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

from tenant_operator.core.stack import (
    JOB_BAKE,
    JOB_DATA_DISK,
    JOB_DEPLOY,
    JOB_HARDEN,
    JOB_HOST_KEY,
    JOB_STOP,
    BakeInputs,
    Bundle,
    HardenInputs,
)
from tenant_operator.core.world import (
    File,
    HostFacts,
    HostFailure,
    Job,
    JobPhase,
    JobState,
    Volume,
)
from tenant_operator.host import commands
from tenant_operator.host.hardening import checklist

RELEASES: Final = "/opt/tenant/releases"
HARDEN_LIST: Final = f"{commands.AGENT_DIR}/harden.json"
BAKE_LIST: Final = f"{commands.AGENT_DIR}/bake.json"
BAKE_IMAGES: Final = f"{commands.AGENT_DIR}/bake-images.json"
HOST_KEY: Final = f"{commands.AGENT_DIR}/host-key"
_LAUNCH = b"import sys\nfrom hostagent.entry import main\nsys.exit(main(sys.argv[1:]))\n"


class FactsUnreadable(ValueError):
    """A machine's answer is no set of facts; the message says what is wrong with it."""


def rotate_host_key(private: str, public: str) -> Job:
    """Replace the host key of the first boot; the record names the public key's digest."""
    staged = (
        File(path=HOST_KEY, content=private.strip().encode() + b"\n", mode=0o600),
        File(path=f"{HOST_KEY}.pub", content=public.strip().encode() + b"\n"),
    )
    digest = hashlib.sha256(public.strip().encode()).hexdigest()[:32]
    return job(JOB_HOST_KEY, staged, digest=digest, limit=60)


def harden(inputs: HardenInputs) -> Job:
    """Work the hardening list off; installs Docker and everything else from packages."""
    listed = {"items": checklist.hardening(inputs)}
    placed = File(path=HARDEN_LIST, content=as_json(listed), mode=0o600)
    return job(JOB_HARDEN, (placed,), [HARDEN_LIST], limit=1800)


def data_disk(volume: Volume) -> Job:
    """Mount the volume at `/srv/tenant`, formatting it only when it is provably empty.

    The digest covers the size, so that a grown volume has its file system grown too.
    """
    arguments = [str(volume.id)]
    digest = digest_of(JOB_DATA_DISK, (), [*arguments, str(volume.size_gib)])
    return job(JOB_DATA_DISK, (), arguments, digest=digest, limit=600)


def deploy(bundle: Bundle) -> Job:
    """Put a rendered release into service; the job's digest is the bundle's."""
    folder = f"{RELEASES}/{bundle.digest}"
    placed = tuple(
        File(path=f"{folder}/{path}", content=file.content, mode=file.mode, owner=file.owner)
        for path, file in bundle.files.items()
    )
    return job(JOB_DEPLOY, placed, [bundle.digest], digest=bundle.digest, limit=1800)


def stop_stack() -> Job:
    """Stop every service and unmount the data disk."""
    return job(JOB_STOP, (), limit=600)


def bake(inputs: BakeInputs) -> Job:
    """Make a machine that a base snapshot can be taken from, once it has shut down."""
    placed, arguments = _baked(inputs), [BAKE_LIST, BAKE_IMAGES]
    digest = digest_of(JOB_BAKE, placed, [*arguments, inputs.system])
    return job(JOB_BAKE, placed, arguments, digest=digest, limit=1800)


def _baked(inputs: BakeInputs) -> tuple[File, ...]:
    items = checklist.fleet_wide(inputs.hardening)
    login = () if inputs.registry is None else (checklist.docker_login(inputs.registry),)
    return (
        File(path=BAKE_LIST, content=as_json({"items": items}), mode=0o600),
        File(path=BAKE_IMAGES, content=as_json(list(inputs.images.all()))),
        *(File(path="/root/.docker/config.json", content=text, mode=0o600) for text in login),
    )


def job(
    name: str,
    placed: tuple[File, ...],
    arguments: Sequence[str] = (),
    *,
    digest: str = "",
    limit: int,
) -> Job:
    """A job of the host agent; the digest defaults to that of its input."""
    return Job(
        name=name,
        digest=digest or digest_of(name, placed, arguments),
        arguments=tuple(arguments),
        files=placed,
        time_limit_seconds=limit,
    )


def digest_of(name: str, placed: Iterable[File], arguments: Sequence[str]) -> str:
    """Everything that decides a job's result, as 32 hex characters."""
    total = hashlib.sha256(json.dumps([name, *arguments]).encode())
    for file in placed:
        total.update(json.dumps([file.path, file.mode, file.owner]).encode() + file.content)
    return total.hexdigest()[:32]


def agent_file() -> File:
    """The host agent where jobs and the machine's own timers expect it."""
    return File(path=commands.AGENT, content=agent_archive(), mode=0o755)


@cache
def agent_digest() -> str:
    """What tells a machine's host agent from another version."""
    return hashlib.sha256(agent_archive()).hexdigest()


@cache
def agent_archive() -> bytes:
    """The host agent as one zip that Python runs; equal sources give equal bytes."""
    package = files("tenant_operator.host.hardening") / "hostagent"
    modules = sorted(
        (item for item in package.iterdir() if item.name.endswith(".py")), key=lambda i: i.name
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("__main__.py"), _LAUNCH)
        for module in modules:
            entry = zipfile.ZipInfo(f"hostagent/{module.name}")
            archive.writestr(entry, module.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def as_json(data: Any) -> bytes:
    """Compact JSON with a line end."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def facts(stdout: str) -> HostFacts:
    """Read what `observe` printed.

    A finished hardening job whose list no longer holds is left out, so that it is run again.

    Raises:
        FactsUnreadable: the text is not the JSON that `observe` prints.
    """
    try:
        found = json.loads(stdout)
        jobs = {name: job_state(record) for name, record in found["jobs"].items()}
        if found["drift"]:
            jobs.pop(JOB_HARDEN, None)
        same = (
            "agent",
            "boot_id",
            "hostname",
            "cloud_init",
            "cloud_init_message",
        )
        sizes = ("mounted_volume", "root_free_mib", "data_free_mib", "release", "services")
        return HostFacts(**{key: found[key] for key in (*same, *sizes)}, jobs=jobs)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FactsUnreadable(
            f"the machine's answer is no set of facts ({type(error).__name__}: {error}); "
            f"it begins with {stdout[:80]!r}"
        ) from error


def drift(stdout: str) -> Mapping[str, str]:
    """Hardening items that no longer hold, each with its first difference."""
    found = json.loads(stdout).get("drift", {})
    return {str(name): str(difference) for name, difference in found.items()}


def job_state(record: Mapping[str, Any]) -> JobState:
    """A job's record as a value; an unknown failure is OTHER."""
    failure = record.get("failure")
    known = {item.value for item in HostFailure}
    finished = record.get("finished")
    return JobState(
        name=record["name"],
        digest=record["digest"],
        phase=JobPhase(record["phase"]),
        failure=None if not failure else HostFailure(failure if failure in known else "other"),
        message=record.get("message", ""),
        unit=record.get("unit", ""),
        finished=datetime.fromisoformat(finished) if finished else None,
    )
