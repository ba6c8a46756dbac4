"""Servers as system containers of the Docker Engine on this host."""

from localcloud.machines.container.backend import ContainerMachines
from localcloud.machines.container.settings import ContainerSettings

__all__ = ["ContainerMachines", "ContainerSettings"]
