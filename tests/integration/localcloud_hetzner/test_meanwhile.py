"""What is asked for while an action works: kept by the action, or refused by the server's state."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from localcloud.machines.inert import InertMachines
from localcloud.machines.port import MachineError, MachineSpec
from plugins.fix_hetzner import HetznerApi, StartHetzner

ORDER = {"name": "web", "server_type": "cx23", "image": "debian-13", "location": "fsn1"}


class SlowMachines(InertMachines):
    """Resizes, rebuilds and deletes only once the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.goes_on = asyncio.Event(), asyncio.Event()
        self.broken = False

    async def resize(self, spec: MachineSpec) -> None:
        await self._wait()
        await super().resize(spec)

    async def rebuild(self, spec: MachineSpec) -> None:
        await self._wait()
        await super().rebuild(spec)

    async def delete(self, server_id: int) -> None:
        await self._wait()
        await super().delete(server_id)

    async def _wait(self) -> None:
        self.begun.set()
        await self.goes_on.wait()
        if self.broken:
            raise MachineError("the disk cannot be written")


@pytest.fixture
def machines() -> SlowMachines:
    return SlowMachines()


@pytest.fixture
def api(start_hetzner_api: StartHetzner, machines: SlowMachines) -> HetznerApi:
    return start_hetzner_api(machines=machines)


@pytest.fixture
def path(api: HetznerApi) -> str:
    made = api.ask("POST", "/servers", ORDER).json()
    api.settle()
    return f"/servers/{made['server']['id']}"


def begun(api: HetznerApi, machines: SlowMachines, path: str, body: object = None) -> None:
    """Ask for a change and wait until the machine works on it."""
    answer = api.ask("POST", path, body) if "/actions/" in path else api.ask("DELETE", path)
    assert answer.ok, answer.text
    api.run(machines.begun.wait())


def ended(api: HetznerApi, machines: SlowMachines, path: str) -> dict[str, Any]:
    """The server once the machine has gone on."""
    api.thread.loop.call_soon_threadsafe(machines.goes_on.set)
    api.settle()
    document: dict[str, Any] = api.ask("GET", path).json()["server"]
    return document


def test_names_labels_and_protection_survive_a_change_of_type(
    api: HetznerApi, machines: SlowMachines, path: str
) -> None:
    api.ask("POST", f"{path}/actions/poweroff")
    api.settle()
    wish = {"server_type": "cx33", "upgrade_disk": False}
    begun(api, machines, f"{path}/actions/change_type", wish)
    assert api.ask("PUT", path, {"name": "renamed", "labels": {"a": "b"}}).ok
    wish = {"delete": True, "rebuild": True}
    assert api.ask("POST", f"{path}/actions/change_protection", wish).ok
    server = ended(api, machines, path)
    assert (server["name"], server["labels"]) == ("renamed", {"a": "b"})
    assert server["protection"] == {"delete": True, "rebuild": True}
    assert server["server_type"]["name"] == "cx33"


@pytest.mark.parametrize(("broken", "image"), [(True, "debian-13"), (False, "debian-12")])
def test_a_server_is_of_the_new_image_once_it_is_rebuilt(
    api: HetznerApi, machines: SlowMachines, path: str, *, broken: bool, image: str
) -> None:
    machines.broken = broken
    begun(api, machines, f"{path}/actions/rebuild", {"image": "debian-12", "user_data": "new"})
    assert api.ask("PUT", path, {"labels": {"a": "b"}}).ok
    server = ended(api, machines, path)
    assert (server["image"]["name"], server["labels"]) == (image, {"a": "b"})
    kept = api.cloud.state.servers.get(server["id"])
    assert kept is not None
    assert kept.user_data == ("" if broken else "new")


def test_a_server_that_is_being_deleted_cannot_be_protected(
    api: HetznerApi, machines: SlowMachines, path: str
) -> None:
    begun(api, machines, path)
    wish = {"delete": True, "rebuild": True}
    refused = api.ask("POST", f"{path}/actions/change_protection", wish)
    assert (refused.status_code, refused.json()["error"]["code"]) == (423, "locked")
    api.thread.loop.call_soon_threadsafe(machines.goes_on.set)
    api.settle()
    assert api.ask("GET", path).status_code == 404


def test_a_release_reaches_actions_that_wait_for_others(hetzner_api: HetznerApi) -> None:
    hetzner_api.fault(kind="action_sticks", method="POST", path="/servers")
    made = hetzner_api.ask("POST", "/servers", ORDER).json()
    hetzner_api.settle()
    assert hetzner_api.run(_released(hetzner_api)) == 2
    hetzner_api.settle()
    server = hetzner_api.ask("GET", f"/servers/{made['server']['id']}").json()["server"]
    assert (server["status"], server["locked"]) == ("running", False)


async def _released(api: HetznerApi) -> int:
    return api.cloud.engine.release()
