"""Volumes, images, addresses, keys and groups as hcloud-python handles them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hcloud import APIException
from plugins.fix_hetzner import HetznerApi
from plugins.hetzner_orders import FSN, HEL, finished, order_server, public_key, stopped


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(APIException) as error:
        call()
    return str(error.value.code)


@pytest.fixture
def server(hetzner_client: Any) -> Any:
    return order_server(hetzner_client)


def test_a_volume_lives(hetzner_api: HetznerApi, hetzner_client: Any, server: Any) -> None:
    client = hetzner_client
    made = client.volumes.create(size=10, name="data", location=FSN, format="ext4")
    assert made.volume.linux_device == f"/dev/disk/by-id/scsi-0HC_Volume_{made.volume.id}"
    finished(made.action, made.next_actions)
    volume = client.volumes.get_by_id(made.volume.id)
    assert (volume.status, volume.server, volume.format) == ("available", None, "ext4")
    finished(volume.attach(server, automount=False))
    volume.reload()
    assert volume.server.id == server.id
    assert hetzner_api.machines.machines[server.id].volumes == (volume.id,)
    assert code_of(lambda: volume.attach(server)) == "volume_already_attached"
    with pytest.raises(APIException, match=r"still attached to a server \(service_error"):
        volume.delete()
    finished(volume.resize(20))
    assert hetzner_api.machines.volumes[volume.id] == 20
    assert code_of(lambda: volume.resize(15)) == "invalid_input"
    finished(volume.detach(), volume.change_protection(delete=True))
    assert code_of(volume.delete) == "protected"
    finished(volume.change_protection(delete=False))
    volume.delete()
    hetzner_api.settle()
    assert hetzner_api.machines.volumes == {}
    assert code_of(lambda: client.volumes.get_by_id(volume.id)) == "not_found"


def test_a_volume_is_made_attached(
    hetzner_api: HetznerApi, hetzner_client: Any, server: Any
) -> None:
    made = hetzner_client.volumes.create(size=10, name="data", server=server, automount=True)
    assert [action.command for action in made.next_actions] == ["attach_volume"]
    finished(made.action, made.next_actions)
    assert hetzner_client.volumes.get_by_id(made.volume.id).server.id == server.id


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"size": 9}, "size"),
        ({"size": 10241}, "size"),
        ({"name": "a/b"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"format": "ntfs"}, "format"),
        ({"location": None}, "location"),
        ({"automount": True}, "automount"),
    ],
)
def test_a_volume_that_cannot_be_is_refused(
    hetzner_api: HetznerApi, change: dict[str, object], field: str
) -> None:
    body = {"size": 10, "name": "data", "location": "fsn1", **change}
    answer = hetzner_api.ask("POST", "/volumes", body)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_input"
    assert answer.json()["error"]["details"]["fields"][0]["name"] == field


def test_a_volume_stays_in_its_location(hetzner_client: Any, server: Any) -> None:
    volume = hetzner_client.volumes.create(size=10, name="data", location=HEL).volume
    finished(volume.get_actions())
    assert code_of(lambda: volume.attach(server)) == "invalid_input"


def test_system_images_are_there_in_both_architectures(hetzner_client: Any) -> None:
    images = hetzner_client.images.get_all(name="debian-13")
    assert sorted(image.architecture for image in images) == ["arm", "x86"]
    found = hetzner_client.images.get_by_name_and_architecture("debian-13", "arm")
    assert found is not None
    assert (found.type, found.status, found.os_flavor, found.os_version) == (
        "system",
        "available",
        "debian",
        "13",
    )
    assert code_of(found.delete) == "forbidden"
    assert code_of(lambda: found.update(description="x")) == "forbidden"


def test_a_snapshot_is_changed_and_protected(hetzner_client: Any, server: Any) -> None:
    made = server.create_image()
    finished(made.action)
    image: Any = made.image.update(description="golden", labels={"a": "b"})
    assert (image.description, image.labels) == ("golden", {"a": "b"})
    finished(made.image.change_protection(delete=True))
    with pytest.raises(APIException, match=r"snapshot deletion is protected \(protected"):
        made.image.delete()
    finished(made.image.change_protection(delete=False))
    made.image.delete()
    assert hetzner_client.images.get_all(type=["snapshot"]) == []


def test_keys_are_unique_by_name_and_fingerprint(hetzner_client: Any) -> None:
    text = public_key()
    key = hetzner_client.ssh_keys.create("one", text, labels={"a": "b"})
    assert hetzner_client.ssh_keys.get_by_fingerprint(key.fingerprint).id == key.id
    with pytest.raises(APIException, match="SSH key with the same fingerprint already exists"):
        hetzner_client.ssh_keys.create("two", text)
    assert code_of(lambda: hetzner_client.ssh_keys.create("one", public_key())) == (
        "uniqueness_error"
    )
    assert code_of(lambda: hetzner_client.ssh_keys.create("bad", "ssh-rsa nonsense")) == (
        "invalid_input"
    )
    key.update(name="three", labels={})
    assert [k.name for k in hetzner_client.ssh_keys.get_all()] == ["three"]
    key.delete()
    assert hetzner_client.ssh_keys.get_all() == []


def test_placement_groups_know_their_servers(hetzner_client: Any) -> None:
    group = hetzner_client.placement_groups.create("spread", "spread").placement_group
    server = order_server(hetzner_client, placement_group=group)
    group.reload()
    assert group.servers == [server.id]
    group.update(name="renamed", labels={"a": "b"})
    assert hetzner_client.placement_groups.get_by_name("renamed").labels == {"a": "b"}
    group.delete()
    server.reload()
    assert server.placement_group is None


def test_a_primary_ip_moves_between_stopped_servers(
    hetzner_api: HetznerApi, hetzner_client: Any, server: Any
) -> None:
    client = hetzner_client
    ip = client.primary_ips.create(
        type="ipv4", name="own", location=FSN, labels={"a": "b"}
    ).primary_ip
    assert (ip.assignee_id, ip.assignee_type) == (None, "unassigned")
    assert code_of(lambda: ip.assign(server.id, "server")) == "server_not_stopped"
    server = stopped(client, server)
    assert code_of(lambda: ip.assign(server.id, "server")) == "server_has_ipv4"
    first = client.primary_ips.get_by_id(server.public_net.primary_ipv4.id)
    assert first.auto_delete is True
    assert code_of(first.delete) == "must_be_unassigned"
    finished(first.unassign())
    finished(ip.assign(server.id, "server"))
    assert code_of(lambda: ip.assign(server.id, "server")) == "primary_ip_already_assigned"
    server.reload()
    assert server.public_net.ipv4.ip == ip.ip
    assert hetzner_api.machines.machines[server.id].spec.ipv4 == ip.ip
    finished(ip.change_dns_ptr(ip.ip, "mail.acme.example"))
    finished(ip.change_protection(delete=True))
    ip.reload()
    assert ip.dns_ptr == [{"ip": ip.ip, "dns_ptr": "mail.acme.example"}]
    assert code_of(ip.delete) == "protected"
    assert code_of(lambda: ip.update(auto_delete=True)) == "invalid_input"
    finished(ip.change_protection(delete=False))
    ip.update(name="renamed", auto_delete=True)
    finished(server.delete())
    assert [x.name for x in client.primary_ips.get_all()] == [first.name]


def test_a_primary_ip_is_made_for_a_server(hetzner_client: Any) -> None:
    server = order_server(hetzner_client, start_after_create=False)
    own = hetzner_client.primary_ips.get_by_id(server.public_net.primary_ipv6.id)
    finished(own.unassign())
    made = hetzner_client.primary_ips.create(
        type="ipv6", name="six", assignee_type="server", assignee_id=server.id
    )
    finished(made.action)
    server.reload()
    assert server.public_net.ipv6.ip == made.primary_ip.ip


def test_a_floating_ip_moves(hetzner_client: Any, server: Any) -> None:
    client = hetzner_client
    made = client.floating_ips.create(type="ipv4", name="float", home_location=HEL)
    ip = made.floating_ip
    assert made.action is None
    finished(ip.assign(server))
    server.reload()
    assert [x.id for x in server.public_net.floating_ips] == [ip.id]
    assert code_of(lambda: ip.assign(server)) == "floating_ip_assigned"
    assert code_of(ip.delete) == "must_be_unassigned"
    finished(ip.unassign(), ip.change_dns_ptr(ip.ip, "x.acme.example"))
    ip.update(description="moves", labels={"a": "b"})
    finished(ip.change_protection(delete=True))
    with pytest.raises(APIException, match="Floating IP deletion is protected"):
        ip.delete()
    finished(ip.change_protection(delete=False))
    ip.delete()
    at_once = client.floating_ips.create(type="ipv6", server=server)
    finished(at_once.action)
    assert client.floating_ips.get_all()[0].server.id == server.id


def test_locations_types_isos_and_prices_are_read(
    hetzner_api: HetznerApi, hetzner_client: Any
) -> None:
    client = hetzner_client
    assert [x.name for x in client.locations.get_all()] == [
        "fsn1",
        "nbg1",
        "hel1",
        "ash",
        "hil",
        "sin",
    ]
    assert client.locations.get_by_id(1).network_zone == "eu-central"
    kind = client.server_types.get_by_name("cx33")
    assert (kind.cores, kind.memory, kind.disk, kind.architecture) == (4, 8.0, 80, "x86")
    assert client.server_types.get_by_id(kind.id).name == "cx33"
    assert {x.location.name for x in kind.locations} == {"fsn1", "nbg1", "hel1"}
    assert client.isos.get_by_name("netboot.xyz.iso").architecture is None
    assert client.isos.get_by_id(5301).architecture == "x86"
    arm = client.isos.get_all(architecture=["arm"], include_architecture_wildcard=True)
    assert {x.architecture for x in arm} == {"arm", None}
    pricing = hetzner_api.ask("GET", "/pricing").json()["pricing"]
    assert len(pricing["floating_ips"]) == len(pricing["primary_ips"])
    cx33 = next(x for x in pricing["server_types"] if x["name"] == "cx33")
    assert cx33["prices"][0]["price_monthly"] == {
        "net": "8.4900000000",
        "gross": "10.1031000000000000",
    }
