"""What a simulated machine says of itself, in the words of the operator's `observe` program."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from localcloud.machines.simulated_host import jobs
from localcloud.machines.simulated_host.cloudinit import RESULT
from localcloud.machines.simulated_host.host import Host

HARDENING = "/opt/tenant/host-agent/harden.json"
DATA_SHARE = 0.9


def facts(host: Host) -> dict[str, Any]:
    """All facts; a record that says running without its unit was interrupted."""
    cloud_init, message = _cloud_init(host)
    disk = host.volumes.get(host.mounted) if host.mounted is not None else None
    return {
        "agent": hashlib.sha256(host.files.read(jobs.AGENT) or b"").hexdigest(),
        "boot_id": host.boot_id,
        "hostname": host.hostname,
        "cloud_init": cloud_init,
        "cloud_init_message": message,
        "jobs": _jobs(host),
        "mounted_volume": host.mounted,
        "root_free_mib": host.free_mib(),
        "data_free_mib": int(disk.size_gb * 1024 * DATA_SHARE) if disk else 0,
        "release": jobs.read_state(host).get("release"),
        "services": dict(host.services),
        "drift": _drift(host),
    }


def _cloud_init(host: Host) -> tuple[str, str]:
    text = host.files.text(RESULT)
    if not text:
        return "running", ""
    errors = json.loads(text)["v1"]["errors"]
    return ("error" if errors else "done", "; ".join(errors)[:500])


def _jobs(host: Host) -> dict[str, Any]:
    alive = {job.name for job in host.running}
    records = host.records()
    for name, record in records.items():
        if record["phase"] == "running" and name not in alive:
            record |= {
                "phase": "failed",
                "failure": "interrupted",
                "message": f"stopped in the middle: {record['message']}",
            }
    return records


def _drift(host: Host) -> dict[str, str]:
    if host.records().get("harden", {}).get("phase") != "done":
        return {}
    found = {}
    for item in jobs.read_list(host, HARDENING):
        first = next(jobs.differences(host, item), None)
        if first is not None:
            found[item["name"]] = first
    return found
