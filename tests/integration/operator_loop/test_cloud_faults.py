"""What a provider can answer besides yes: told, survived, and nothing is left that nobody knows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from plugins.fix_operator import FLEET, SLOW, TENANT, Rig
from plugins.memory_world import Fault
from tenant_operator.cloud.port import fault
from tenant_operator.core.names import Identity, tenant_labels
from tenant_operator.core.world import ServerSpec, VolumeSpec

FOREIGN = {"owner": "somebody"}


def identity(rig: Rig) -> Identity:
    """The tenant as an owner of things."""
    stored = rig.app.store.get(rig.key())
    assert stored is not None
    return rig.app.identity(stored)


def nothing_left(rig: Rig) -> None:
    """Of the tenant, anywhere."""
    assert not any((rig.cloud.servers, rig.cloud.volumes, rig.cloud.ips, rig.dns.records))
    assert not [path for path in rig.cluster.objects if "acme" in path]


# -- 401, 403 ------------------------------------------------------------------------------------
@pytest.mark.parametrize("operation", ["create_primary_ip", "create_volume", "create_server"])
@pytest.mark.parametrize("code", ["unauthorized", "forbidden", "token_readonly"])
async def test_a_token_withdrawn_on_the_way_heals_with_the_next_one(
    rig: Rig, operation: str, code: str
) -> None:
    rig.start()
    rig.world.faults = [Fault(operation, fault(code, "no right to do this"), times=99)]
    assert "no right to do this" in await rig.expect_reason("CredentialsRefused")
    assert rig.conditions()["Stalled"][0] == "True"
    rig.world.faults = []
    rig.secret("hcloud", token="another-token-0123456789")
    await rig.expect(rig.is_ready, 40)


async def test_a_dns_token_withdrawn_on_the_way(rig: Rig) -> None:
    rig.start()
    rig.world.faults = [Fault("publish", fault("forbidden", "not this zone"), times=99)]
    assert "not this zone" in await rig.expect_reason("CredentialsRefused")
    rig.world.faults = []
    rig.secret("dns", token="another-token-0123456789")
    await rig.expect(rig.is_ready, 40)


# -- 404 -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("operation", ["create_volume", "create_server", "label_volume"])
async def test_what_vanishes_on_the_way_is_looked_up_again(rig: Rig, operation: str) -> None:
    rig.start()
    rig.world.faults = [Fault(operation, fault("not_found", "no such object"), times=2)]
    await rig.expect_reason("ObjectGone")
    await rig.expect(rig.is_ready, SLOW)
    assert len(rig.cloud.servers) == len(rig.cloud.volumes) == len(rig.cloud.ips) == 1


@pytest.mark.parametrize("operation", ["delete_server", "delete_volume", "delete_primary_ip"])
async def test_deleting_what_has_vanished_goes_on(rig: Rig, operation: str) -> None:
    rig.start()
    await rig.expect_ready()
    held = {
        "delete_server": rig.cloud.servers,
        "delete_volume": rig.cloud.volumes,
        "delete_primary_ip": rig.cloud.ips,
    }[operation]
    held.clear()  # type: ignore[attr-defined]
    if operation == "delete_server":
        rig.cloud.volumes = {k: replace(v, server_id=None) for k, v in rig.cloud.volumes.items()}
        rig.cloud.ips = {k: replace(v, server_id=None) for k, v in rig.cloud.ips.items()}
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects, SLOW)
    nothing_left(rig)


# -- 409 -----------------------------------------------------------------------------------------
async def made_by_another_hand(rig: Rig, kind: str, labels: dict[str, str]) -> None:
    """A thing of the tenant's name appears after the operator has looked."""
    rig.world.faults = [Fault("create_primary_ip", fault("unavailable", "wait"), times=2)]
    await rig.expect(lambda: rig.conditions().get("Ready", ("", ""))[1] == "ProviderBusy")
    rig.world.faults = []
    name = f"t-acme-{identity(rig).short_uid}"
    match kind:
        case "address":
            await rig.cloud.create_primary_ip(name, location="fsn1", labels=labels)
        case "volume":
            spec = VolumeSpec(name=name, size_gib=20, location="fsn1", labels=labels)
            await rig.cloud.create_volume(spec)
        case _:
            machine = ServerSpec(
                name=name, type="cx23", location="fsn1", image="x", labels=labels, user_data=""
            )
            await rig.cloud.create_server(machine)


@pytest.mark.parametrize("kind", ["address", "volume"])
async def test_a_taken_name_with_our_label_is_taken_over(rig: Rig, kind: str) -> None:
    rig.start()
    await rig.watch()
    await rig.expect(lambda: rig.key("fleet", "main") in rig.app.accounts)
    await made_by_another_hand(rig, kind, tenant_labels(identity(rig), fleet_uid="f"))
    await rig.expect(rig.is_ready, SLOW)
    assert len(rig.cloud.ips) == len(rig.cloud.volumes) == len(rig.cloud.servers) == 1


@pytest.mark.parametrize("kind", ["address", "volume", "server"])
async def test_a_taken_name_with_anothers_label_is_untouched(rig: Rig, kind: str) -> None:
    rig.start()
    await rig.watch()
    await rig.expect(lambda: rig.key("fleet", "main") in rig.app.accounts)
    await made_by_another_hand(rig, kind, FOREIGN)
    await rig.expect(lambda: "untouched" in rig.conditions()["Ready"][2])
    assert rig.conditions()["Ready"][1] == "NameConflict"
    assert f"The {kind} t-acme-" in rig.conditions()["Ready"][2]
    things = {"address": rig.cloud.ips, "volume": rig.cloud.volumes, "server": rig.cloud.servers}
    (held,) = things[kind].values()  # type: ignore[attr-defined]
    assert held.labels == FOREIGN
    things[kind].clear()  # type: ignore[attr-defined]
    await rig.expect(rig.is_ready, SLOW)


# -- 423, 412, 403 -------------------------------------------------------------------------------
async def test_the_providers_own_protection_is_told(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    rig.world.faults = [Fault("delete_server", fault("protected", "deletion is protected"))]
    rig.cluster.remove(TENANT)
    assert "deletion is protected" in await rig.expect_reason("ObjectProtected")
    assert len(rig.cloud.servers) == 1
    await rig.expect(lambda: TENANT not in rig.cluster.objects, SLOW)
    nothing_left(rig)


@pytest.mark.parametrize("operation", ["delete_server", "delete_volume", "delete_primary_ip"])
@pytest.mark.parametrize("code", ["locked", "conflict", "server_error", "timeout"])
async def test_disturbances_of_a_deletion_pass_by_themselves(
    rig: Rig, operation: str, code: str
) -> None:
    rig.start()
    await rig.expect_ready()
    rig.world.faults = [Fault(operation, fault(code, "a disturbance"), times=2)]
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects, SLOW)
    nothing_left(rig)


async def test_a_deletion_that_keeps_failing_is_tried_less_and_less_often(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    rig.world.faults = [Fault("delete_server", fault("server_error", "again"), times=999)]
    rig.cluster.remove(TENANT)
    for _ in range(120):
        await rig.round()
    assert 4 <= 999 - rig.world.faults[0].times <= 12
    rig.world.faults = []
    await rig.expect(lambda: TENANT not in rig.cluster.objects, SLOW)
    nothing_left(rig)


# -- the fleet's own requests --------------------------------------------------------------------
@pytest.mark.parametrize("code", ["unavailable", "server_error", "bad_gateway", "locked"])
async def test_a_disturbance_before_anything_is_known(rig: Rig, code: str) -> None:
    rig.start()
    rig.world.faults = [Fault("server_types", fault(code, "a disturbance"), times=3)]
    await rig.expect(lambda: "a disturbance" in rig.conditions(FLEET).get("Ready", ("", "", ""))[2])
    assert rig.conditions()["Ready"][1] == "WaitingForFleet"
    await rig.expect(rig.is_ready, SLOW)


async def test_the_rate_limit_of_a_fleet_is_waited_for(rig: Rig) -> None:
    rig.start()
    until = rig.now + timedelta(minutes=3)
    error = fault("rate_limit_exceeded", "limit reached", reset_at=until)
    rig.world.faults = [Fault("server_types", error)]
    await rig.expect_reason("RateLimited", FLEET)
    await rig.expect(rig.is_ready, SLOW)
    assert rig.now >= until


# -- actions -------------------------------------------------------------------------------------
async def drifted(rig: Rig, command: str) -> None:
    """The tenant is ready, and something calls for the command."""
    await rig.expect_ready()
    (server,), (volume,) = rig.cloud.servers.values(), rig.cloud.volumes.values()
    match command:
        case "attach_volume":
            rig.cloud.volumes[volume.id] = replace(volume, server_id=None)
        case "start_server":
            rig.cloud.servers[server.id] = replace(server, status="off")
        case _:
            rig.cluster.edit(TENANT, {"volume": {"sizeGiB": 40}})
    rig.now += timedelta(hours=1)


COMMANDS = ["attach_volume", "start_server", "resize_volume"]


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_failed_action_is_told_and_tried_again(rig: Rig, command: str) -> None:
    rig.start()
    await drifted(rig, command)
    rig.world.fail_actions = {command}
    await rig.expect(lambda: rig.conditions()["Ready"][1] == "ActionFailed", 40)
    assert command in rig.conditions()["Ready"][2]
    await rig.expect(rig.is_ready, SLOW)


@pytest.mark.parametrize("command", [*COMMANDS, "create_volume"])
async def test_a_stuck_action_is_told_after_the_deadline_and_goes_on(
    rig: Rig, command: str
) -> None:
    rig.start()
    if command != "create_volume":
        await drifted(rig, command)
    rig.world.stick_actions = {command}
    await rig.expect(lambda: any(a.status == "running" for a in rig.cloud.done.values()), 40)
    await rig.round()
    assert rig.conditions()["Ready"][0] == "False"
    rig.now += timedelta(minutes=11)
    assert command in await rig.expect_reason("DeadlineExceeded")
    assert rig.conditions()["Stalled"][0] == "True"
    rig.cloud.release()
    await rig.expect(rig.is_ready, SLOW)


async def test_a_stuck_deletion_is_told_and_goes_on(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    rig.world.stick_actions = {"delete_server"}
    rig.cluster.remove(TENANT)
    await rig.expect_reason("DeletingServer")
    rig.now += timedelta(minutes=11)
    await rig.expect_reason("DeadlineExceeded")
    rig.cloud.release()
    await rig.expect(lambda: TENANT not in rig.cluster.objects, SLOW)
    nothing_left(rig)


# -- nothing half-made stays behind unnoticed ----------------------------------------------------
OBSTACLES = {
    "no address": ("create_primary_ip", "resource_limit_exceeded", "QuotaExceeded"),
    "no volume": ("create_volume", "resource_limit_exceeded", "QuotaExceeded"),
    "no server": ("create_server", "resource_limit_exceeded", "QuotaExceeded"),
    "wrong request": ("create_server", "invalid_input", "RequestRefused"),
    "sold out": ("create_server", "resource_unavailable", "OutOfStock"),
    "no record": ("publish", "forbidden", "CredentialsRefused"),
    "no label": ("label_volume", "invalid_input", "RequestRefused"),
}


@pytest.mark.parametrize("where", OBSTACLES)
async def test_given_up_half_made_nothing_is_left(rig: Rig, where: str) -> None:
    operation, code, reason = OBSTACLES[where]
    rig.start()
    rig.world.faults = [Fault(operation, fault(code, "no"), times=999)]
    await rig.expect_reason(reason)
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects, SLOW)
    nothing_left(rig)


@pytest.mark.parametrize("failure", ["harden:apt-failed", "data-disk:foreign-disk", "deploy:other"])
async def test_given_up_on_the_machine_nothing_is_left(rig: Rig, failure: str) -> None:
    rig.start()
    rig.hosts.next_failures = [failure] * 99
    await rig.expect(lambda: "happened" in rig.conditions().get("Ready", ("", "", ""))[2])
    rig.cluster.remove(TENANT)
    await rig.expect(lambda: TENANT not in rig.cluster.objects, SLOW)
    nothing_left(rig)


async def test_what_belongs_to_nobody_is_counted_named_and_untouched(rig: Rig) -> None:
    rig.start()
    await rig.expect_ready()
    fleet = rig.cluster.objects[FLEET]["metadata"]["uid"]
    lost = replace(identity(rig), uid="12345678-lost", name="lost")
    labels = tenant_labels(lost, fleet_uid=fleet)
    await rig.cloud.create_volume(
        VolumeSpec(name="t-lost-12345678", size_gib=10, location="fsn1", labels=labels)
    )
    rig.now += timedelta(hours=2)
    await rig.expect(lambda: rig.cluster.objects[FLEET]["status"].get("orphans") == 1)
    told = [event for event in rig.cluster.events if event["reason"] == "OrphansFound"]
    assert "Volume t-lost-12345678" in told[-1]["message"]
    assert told[-1]["type"] == "Warning"
    assert len(rig.cloud.volumes) == 2
