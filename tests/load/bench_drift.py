"""How long a change at the cloud goes unnoticed: from somebody's change until it is made good.

The real operator with its default settings, a real API server, and machines in memory, which
behave at the API as the others do. As soon as a Tenant is ready its machine is switched off, its
DNS record is pointed elsewhere and the firewall's rules are taken away, all at once and just after
the operator has looked: the worst moment. The floor is the time between two looks.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from load.figures import Figure, emit, say
from plugins.fix_kube import Kubectl, cluster_with_crds
from plugins.fix_memory_chain import ZONE, MemoryChain, running_memory_chain
from tenant_operator.settings import Settings

NAMESPACE = "bench-drift"
PATIENCE = 900.0
POLL = 0.5
ELSEWHERE = "192.0.2.1"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What somebody does at the cloud, and how to see that it was made good."""

    path: str
    body: Mapping[str, Any]
    repaired: Callable[[], bool]


def run() -> None:
    """Print the figure."""
    with tempfile.TemporaryDirectory(prefix="bench-drift-") as name:
        folder = Path(name)
        with cluster_with_crds(folder / "plane") as plane:
            kubectl = Kubectl(plane.kubeconfig, NAMESPACE)
            kubectl.run("create", "namespace", NAMESPACE)
            with running_memory_chain(plane, kubectl, folder) as chain:
                chain.operator.start()
                kubectl.apply(chain.tenant())
                until(chain.is_ready, "a ready Tenant")
                report(measure(chain))


def until(holds: Callable[[], bool], what: str) -> float:
    """Wait; returns the seconds. Raises TimeoutError after a quarter of an hour."""
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > PATIENCE:
            raise TimeoutError(f"{what} did not come in {PATIENCE:.0f} s")
        time.sleep(POLL)
    return time.monotonic() - started


def measure(chain: MemoryChain) -> dict[str, float]:
    """Make all changes; returns the seconds until each was made good."""
    headers = {"Authorization": f"Bearer {chain.cloud.hetzner_token}"}
    with httpx.Client(base_url=f"{chain.cloud.hetzner}/", headers=headers, timeout=60) as cloud:
        waiting = changes(chain, cloud)
        started, taken = time.monotonic(), {}
        for change in waiting.values():
            cloud.post(change.path, json=dict(change.body)).raise_for_status()
        say(f"changed {', '.join(waiting)}; waiting until they are made good")
        time.sleep(POLL)
        while waiting:
            until(lambda: any(each.repaired() for each in waiting.values()), "a repair")
            for name in [name for name, each in waiting.items() if each.repaired()]:
                taken[name] = time.monotonic() - started
                say(f"{name}: made good after {taken[name]:.0f} s")
                del waiting[name]
    return taken


def changes(chain: MemoryChain, cloud: httpx.Client) -> dict[str, Change]:
    """The changes, each against how things are now."""
    server = chain.server()["id"]
    records = cloud.get(f"zones/{ZONE}/rrsets", params={"type": "A"}).json()["rrsets"]
    (record,) = [each for each in records if each["records"][0]["value"] != ELSEWHERE]
    (firewall,) = cloud.get("firewalls").raise_for_status().json()["firewalls"]
    name = f"zones/{ZONE}/rrsets/{record['name']}/A"

    def now(path: str, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = cloud.get(path).raise_for_status().json()[kind]
        return found

    def values() -> list[str]:
        return [each["value"] for each in now(name, "rrset")["records"]]

    wanted = values()
    return {
        "machine": Change(
            path=f"servers/{server}/actions/poweroff",
            body={},
            repaired=lambda: now(f"servers/{server}", "server")["status"] == "running",
        ),
        "record": Change(
            path=f"{name}/actions/set_records",
            body={"records": [{"value": ELSEWHERE}]},
            repaired=lambda: values() == wanted,
        ),
        "firewall": Change(
            path=f"firewalls/{firewall['id']}/actions/set_rules",
            body={"rules": []},
            repaired=lambda: (
                len(now(f"firewalls/{firewall['id']}", "firewall")["rules"])
                == len(firewall["rules"])
            ),
        ),
    }


def report(taken: Mapping[str, float]) -> None:
    """The slowest of them."""
    context = {
        "seconds": {name: round(seconds, 1) for name, seconds in taken.items()},
        "floor": "the time between two looks",
        "floor_s": Settings.model_fields["sweep_seconds"].default,
    }
    emit(Figure(name="drift_repaired", value=max(taken.values()), unit="s", bar=300,
                context=context))  # fmt: skip
