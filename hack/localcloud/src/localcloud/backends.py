"""Which machines an instance has: the back end that its settings name, not opened yet."""

from __future__ import annotations

from localcloud.authority import Authority
from localcloud.machines.inert import InertMachines
from localcloud.machines.port import Machines
from localcloud.rows import Rows
from localcloud.settings import Settings


def machines_of(settings: Settings, authority: Authority) -> Machines:
    """The back end of an instance. Simulated machines present certificates of `authority`."""
    if settings.backend == "container":
        return _containers(settings)
    rows = Rows(settings.dir / "machines.db")
    if settings.backend == "memory":
        return _simulated(settings, authority, rows)
    return InertMachines(rows)


def _containers(settings: Settings) -> Machines:
    # Imported here: the other back ends run where no Docker Engine is.
    from localcloud.machines.container import ContainerMachines, ContainerSettings

    return ContainerMachines(
        ContainerSettings(
            directory=settings.dir / "machines",
            instance=settings.instance,
            subnet=settings.subnet,
            stock_data=settings.stock_data,
        )
    )


def _simulated(settings: Settings, authority: Authority, rows: Rows) -> Machines:
    from localcloud.machines.memory import MemoryMachines, MemorySettings

    ports = settings.ports
    return MemoryMachines(
        MemorySettings(
            ssh_port=ports.machine_ssh, https_port=ports.machine, http_port=ports.machine_http
        ),
        authority=authority,
        rows=rows,
    )
