"""`/_admin/machines`: what is wrong with simulated machines, set from outside while they run.

Other back ends have no such routes: a container's faults are made in the container.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from localcloud.machines.memory import MemoryMachines
from localcloud.machines.port import Machines
from localcloud.machines.simulated_host.host import Faults, Host

_FAULTS = TypeAdapter(Faults)


def routes(machines: Machines) -> list[web.RouteDef]:
    """Routes for a back end in memory; none for another one.

    A target is a server's number, a host name (of a machine that may not exist yet) or `*`, which
    means every machine that is made from now on.
    """
    if not isinstance(machines, MemoryMachines):
        return []
    panel = _Panel(machines)
    return [
        web.get("/_admin/machines", panel.list),
        web.put("/_admin/machines/{target}/faults", panel.set),
        web.delete("/_admin/machines/{target}/faults", panel.clear),
        web.delete("/_admin/machines", panel.clear_all),
    ]


def _view(host: Host) -> dict[str, Any]:
    return {
        "server": host.server_id,
        "hostname": host.hostname,
        "address": host.address,
        "power": host.power,
        "mounted": host.mounted,
        "services": host.services,
        "jobs": host.records(),
        "faults": asdict(host.faults),
    }


class _Panel:
    def __init__(self, machines: MemoryMachines) -> None:
        self._machines = machines

    async def list(self, _request: web.Request) -> web.Response:
        """Every machine and every planned fault."""
        hosts = [_view(host) for host in self._machines.hosts.values()]
        planned = {key: asdict(faults) for key, faults in self._machines.planned_faults().items()}
        return web.json_response({"machines": hosts, "faults": planned})

    async def set(self, request: web.Request) -> web.Response:
        """Replace the faults of a target."""
        try:
            body = await request.json()
            unknown = set(body) - set(asdict(Faults()))
            faults = _FAULTS.validate_python(body)
        except (ValueError, TypeError, ValidationError) as error:
            return web.json_response({"error": str(error)}, status=400)
        if unknown:
            text = f"no such fault: {', '.join(sorted(unknown))}; there are {asdict(Faults())}"
            return web.json_response({"error": text}, status=400)
        self._machines.plan_faults(request.match_info["target"], faults)
        return web.json_response(asdict(faults))

    async def clear(self, request: web.Request) -> web.Response:
        """Take the faults of a target away."""
        self._machines.plan_faults(request.match_info["target"], None)
        return web.Response(status=204)

    async def clear_all(self, _request: web.Request) -> web.Response:
        """Take all faults away."""
        for target in self._machines.planned_faults():
            self._machines.plan_faults(target, None)
        return web.Response(status=204)
