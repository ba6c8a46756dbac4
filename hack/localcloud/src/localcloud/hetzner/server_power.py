"""Power: on, off, reset, reboot, shutdown."""

from __future__ import annotations

from dataclasses import replace

from localcloud.hetzner import servers
from localcloud.hetzner.actions import Effect
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.model import Action, Server
from localcloud.hetzner.replies import acted, action_route
from localcloud.hetzner.routing import Call, Handler, Reply

GRACE_SECONDS, LOOK_SECONDS = 90, 0.2


def _check_interface(call: Call, server: Server) -> None:
    if not server.private_nets and not call.cloud.state.primary_ips.count("server", server.id):
        text = "server needs a public address or a network to be powered on"
        raise ApiError("unsupported_error", text)


def _handler(command: str, status: str | None, *, boots: bool) -> Handler:
    def handle(call: Call) -> Reply:
        server = servers.unlocked(call)
        if boots:
            _check_interface(call, server)
        action = call.begin(servers.plan(server, command, status=server.status))
        if status is not None and server.status != _END.get(command):
            servers.with_status(call, server, status)
        return acted(call, action)

    return handle


_END = {"start_server": "running", "stop_server": "off"}


def set_status(cloud: Cloud, server_id: int, status: str, *, booted: bool = False) -> None:
    """Show another status; a boot uses up the rescue system."""
    server = cloud.state.servers.get(server_id)
    if server is not None:
        rescue = None if booted else server.rescue_until
        cloud.state.servers.put(replace(server, status=status, rescue_until=rescue))


async def _run_start(cloud: Cloud, action: Action) -> None:
    server_id = action.params["server"]
    booted = await cloud.machines.power(server_id) != "running"
    await cloud.machines.start(server_id)
    set_status(cloud, server_id, "running", booted=booted)


async def _run_stop(cloud: Cloud, action: Action) -> None:
    await cloud.machines.stop(action.params["server"])
    set_status(cloud, action.params["server"], "off")


async def _run_reset(cloud: Cloud, action: Action) -> None:
    server_id = action.params["server"]
    await cloud.machines.stop(server_id)
    await cloud.machines.start(server_id)
    set_status(cloud, server_id, "running", booted=True)


async def _run_shutdown(cloud: Cloud, action: Action) -> None:
    """Only sends the signal; the watch sees when the machine is off."""
    await cloud.machines.shutdown(action.params["server"])


async def goes_off(cloud: Cloud, server_id: int) -> bool:
    """Whether the machine goes off within the grace time."""
    for _ in range(int(GRACE_SECONDS / LOOK_SECONDS)):
        if await cloud.machines.power(server_id) == "off":
            return True
        await cloud.clock.sleep(LOOK_SECONDS)
    return False


async def _run_reboot(cloud: Cloud, action: Action) -> None:
    """Signal, wait for the machine to go down, start it; one that ignores the signal stays up."""
    server_id = action.params["server"]
    if await cloud.machines.power(server_id) != "running":
        return
    await cloud.machines.shutdown(server_id)
    if await goes_off(cloud, server_id):
        await cloud.machines.start(server_id)
        set_status(cloud, server_id, "running", booted=True)


def _undo(cloud: Cloud, action: Action) -> None:
    set_status(cloud, action.params["server"], action.params.get("status", "off"))


EFFECTS = {
    "start_server": Effect(_run_start, _undo, seconds=3),
    "stop_server": Effect(_run_stop, _undo, seconds=1),
    "reset_server": Effect(_run_reset, _undo, seconds=2),
    "reboot_server": Effect(_run_reboot, _undo, seconds=3),
    "shutdown_server": Effect(_run_shutdown, seconds=1),
}
_ONE = f"{servers.PATH}/{{id}}"
ROUTES = [
    action_route(_ONE, "poweron", _handler("start_server", "starting", boots=True)),
    action_route(_ONE, "poweroff", _handler("stop_server", "stopping", boots=False)),
    action_route(_ONE, "reset", _handler("reset_server", None, boots=True)),
    action_route(_ONE, "reboot", _handler("reboot_server", None, boots=True)),
    action_route(_ONE, "shutdown", _handler("shutdown_server", None, boots=False)),
]
