"""What a tenant's machine and the operator's log say about when something was going on.

Everything runs under one clock, so the times can be put beside each other.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from load.split import Interval
from localcloud.machines.container.blueprint import INSTANCE_LABEL, SERVER_LABEL
from localcloud.settings import Settings

UNITS = {"B": 1, "kB": 1e3, "KiB": 1024, "MB": 1e6, "MiB": 1024**2, "GB": 1e9, "GiB": 1024**3}
REDIS = "tenant-redis-1"
EMPTY = "bench-empty"
SETTLE = 2.0
CLOUD_INIT = "/var/lib/cloud/data/status.json"


@dataclass(frozen=True)
class Machine:
    """A server's container, seen from the host."""

    container: str

    def run(self, *argv: str) -> str:
        """The output of a command inside."""
        command = ["docker", "exec", self.container, *argv]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def jobs(self) -> list[Interval]:
        """When each of the operator's jobs ran."""
        return job_intervals(self.run("sh", "-c", "cat /opt/tenant/jobs/*.json").splitlines())

    def booted(self) -> float:
        """When cloud-init had done its last stage."""
        up_since = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        return last_stage(self.run("cat", CLOUD_INIT), up_since=up_since)

    def memory(self) -> dict[str, float]:
        """Service → bytes in use, page cache left out, as Docker inside the machine counts."""
        output = self.run("docker", "stats", "--no-stream", "--format", "{{json .}}")
        return stats_bytes(map(json.loads, output.splitlines()))

    def empty(self) -> float:
        """Bytes in use by a container that only sleeps, made and removed again."""
        image = self.run("docker", "inspect", "--format={{.Config.Image}}", REDIS).strip()
        options = ("--detach", f"--name={EMPTY}", "--network=none", "--entrypoint=sleep")
        self.run("docker", "run", *options, image, "300")
        try:
            time.sleep(SETTLE)
            return self.memory()[EMPTY]
        finally:
            self.run("docker", "rm", "--force", EMPTY)


def find_machine(cloud_folder: Path, server_id: int) -> Machine:
    """The container of a server of the local cloud in that folder."""
    instance = Settings(dir=cloud_folder.resolve()).instance
    labels = (f"{INSTANCE_LABEL}={instance}", f"{SERVER_LABEL}={server_id}")
    filters = [word for label in labels for word in ("--filter", f"label={label}")]
    listed = subprocess.run(
        ["docker", "ps", "--format", "{{.Names}}", *filters],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (name,) = listed.stdout.split()
    return Machine(name)


def last_stage(status: str, *, up_since: float) -> float:
    """When the last stage of cloud-init ended.

    In a container it notes seconds since the host's start instead of since the epoch.
    """
    stages = [each for each in json.loads(status)["v1"].values() if _ended(each)]
    moment = max(float(stage["finished"]) for stage in stages)
    return moment if moment > up_since else up_since + moment


def job_intervals(lines: Iterable[str]) -> list[Interval]:
    """Job records, one JSON object per line, as intervals in the order they began."""
    records = map(json.loads, lines)
    found = (
        Interval(_moment(each["started"]), _moment(each["finished"]), each["name"])
        for each in records
        if each["finished"]
    )
    return sorted(found)


def stats_bytes(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Service → bytes from rows of `docker stats`, whose names are `tenant-<service>-1`."""
    found: dict[str, float] = {}
    for row in rows:
        name = row["Name"].removeprefix("tenant-").removesuffix("-1")
        found[name] = _bytes(row["MemUsage"].partition(" / ")[0])
    return found


def effects(log: Path, tenant: str) -> Iterator[tuple[str, float]]:
    """The effects the operator began for a tenant (`namespace/name`), with their times."""
    for line in log.read_text().splitlines():
        if not line.startswith("{"):
            continue
        record = json.loads(line)
        if record.get("event") == "acting" and record.get("tenant") == tenant:
            yield record["effect"], _moment(record["timestamp"])


def _ended(stage: object) -> bool:
    return isinstance(stage, dict) and bool(stage.get("finished"))


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _bytes(text: str) -> float:
    number = text.rstrip("BkKMGiT")
    return float(number) * UNITS[text[len(number) :]]
