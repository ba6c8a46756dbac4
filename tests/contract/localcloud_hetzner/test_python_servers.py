"""Servers as hcloud-python orders, changes and deletes them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hcloud import APIException
from hcloud.images import Image
from hcloud.isos import Iso
from hcloud.locations import Location
from hcloud.networks import NetworkSubnet
from hcloud.server_types import ServerType
from hcloud.servers import ServerCreatePublicNetwork
from localcloud.machines.metadata import documents
from plugins.fix_hetzner import HetznerApi
from plugins.hetzner_orders import FSN, finished, order_server, public_key, stopped


@pytest.fixture
def server(hetzner_client: Any) -> Any:
    return order_server(hetzner_client)


def refused(error: pytest.ExceptionInfo[APIException]) -> tuple[str, str]:
    return str(error.value.code), str(error.value.message)


def test_a_server_is_ordered_with_all_it_can_have(
    hetzner_api: HetznerApi, hetzner_client: Any
) -> None:
    client = hetzner_client
    key = client.ssh_keys.create("key", public_key())
    volume = client.volumes.create(size=10, name="data", location=FSN, format="xfs")
    finished(volume.action)
    firewall = client.firewalls.create("wall").firewall
    network = client.networks.create("net", "10.0.0.0/16")
    subnet = NetworkSubnet(type="cloud", network_zone="eu-central", ip_range="10.0.0.0/24")
    finished(network.add_subnet(subnet))
    group = client.placement_groups.create("group", "spread").placement_group
    own = client.primary_ips.create(type="ipv4", name="own", location=FSN).primary_ip
    server = order_server(
        client,
        ssh_keys=[key],
        volumes=[volume.volume],
        firewalls=[firewall],
        networks=[network],
        placement_group=group,
        user_data="#cloud-config\n",
        labels={"env": "test"},
        automount=True,
        public_net=ServerCreatePublicNetwork(
            ipv4=own, ipv6=None, enable_ipv4=True, enable_ipv6=True
        ),
    )
    assert server.status == "running"
    assert server.public_net.ipv4.ip == own.ip
    assert [net.ip for net in server.private_net] == ["10.0.0.2"]
    assert [item.firewall.id for item in server.public_net.firewalls] == [firewall.id]
    assert [item.id for item in server.volumes] == [volume.volume.id]
    assert server.placement_group.id == group.id
    machine = hetzner_api.machines.machines[server.id]
    assert machine.spec.user_data == "#cloud-config\n"
    assert machine.spec.authorized_keys == (key.public_key,)
    assert machine.volumes == (volume.volume.id,)
    assert machine.firewall == ()
    told = documents(machine.spec)
    assert told["metadata/hostname"] == "web"
    (private,) = yaml.safe_load(told["metadata/private-networks"])
    assert private["ip"] == "10.0.0.2"
    assert private["mac_address"] == server.private_net[0].mac_address


def test_deleting_a_server_keeps_what_is_not_its_own(hetzner_client: Any) -> None:
    client = hetzner_client
    volume = client.volumes.create(size=10, name="data", location=FSN).volume
    finished(client.volumes.get_by_id(volume.id).get_actions())
    own = client.primary_ips.create(type="ipv6", name="own", location=FSN).primary_ip
    server = order_server(
        client,
        volumes=[volume],
        public_net=ServerCreatePublicNetwork(
            ipv4=None, ipv6=own, enable_ipv4=True, enable_ipv6=True
        ),
    )
    finished(server.delete())
    assert client.servers.get_all() == []
    assert client.volumes.get_by_id(volume.id).server is None
    left = client.primary_ips.get_all()
    assert [(ip.id, ip.assignee_id, ip.assignee_type) for ip in left] == [
        (own.id, None, "unassigned")
    ]


def test_without_a_key_the_order_brings_a_password(hetzner_client: Any) -> None:
    ordered = hetzner_client.servers.create(
        "web", ServerType(name="cx23"), Image(name="debian-13"), start_after_create=False
    )
    finished(ordered.action)
    assert len(ordered.root_password or "") >= 16
    assert ordered.next_actions == []
    assert hetzner_client.servers.get_by_id(ordered.server.id).status == "off"


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"name": "no_underscore"}, "invalid_input", "name"),
        ({"name": "-dash"}, "invalid_input", "name"),
        ({"server_type": ServerType(name="cx99")}, "invalid_input", "server type not found"),
        ({"server_type": ServerType(name="cx32")}, "invalid_input", "deprecated"),
        ({"image": Image(name="windows")}, "invalid_input", "image not found"),
        ({"location": Location(name="ash")}, "invalid_input", "unsupported location"),
        ({"location": Location(name="moon")}, "invalid_input", "location not found"),
        ({"user_data": "x" * 32769}, "invalid_input", "user_data"),
        ({"labels": {"hetzner.cloud/x": "y"}}, "invalid_input", "reserved"),
        ({"automount": True}, "invalid_input", "automount"),
    ],
)
def test_an_order_that_cannot_be_is_refused(
    hetzner_client: Any, change: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(APIException) as error:
        order_server(hetzner_client, **change)
    assert refused(error)[0] == code
    assert message in refused(error)[1]
    assert hetzner_client.servers.get_all() == []
    assert hetzner_client.primary_ips.get_all() == []


def test_a_name_is_used_once_in_a_project(hetzner_client: Any, server: Any) -> None:
    with pytest.raises(APIException) as error:
        order_server(hetzner_client)
    assert refused(error) == ("uniqueness_error", "server name is already used")
    assert error.value.details == {"fields": [{"name": "name"}]}


def test_power_goes_off_and_on(hetzner_client: Any, server: Any) -> None:
    assert stopped(hetzner_client, server).status == "off"
    finished(server.power_off())
    finished(server.power_on())
    finished(server.reset(), server.reboot())
    server.reload()
    assert server.status == "running"


def test_shutdown_tells_the_machine_and_the_status_follows(
    hetzner_api: HetznerApi, hetzner_client: Any, server: Any
) -> None:
    finished(server.shutdown())
    watch = hetzner_api.service.hetzner.watch
    hetzner_api.run(watch.look(list(hetzner_api.cloud.state.servers)))
    server.reload()
    assert server.status == "off"


def test_a_type_is_changed_only_when_off_and_starts_it_again(
    hetzner_api: HetznerApi, hetzner_client: Any, server: Any
) -> None:
    with pytest.raises(APIException) as error:
        server.change_type(ServerType(name="cx33"), upgrade_disk=True)
    assert refused(error) == ("server_not_stopped", "Server must be offline for this action")
    stopped(hetzner_client, server)
    finished(server.change_type(ServerType(name="cx33"), upgrade_disk=False))
    server.reload()
    assert (server.status, server.server_type.name) == ("running", "cx33")
    assert server.primary_disk_size == 40
    assert hetzner_api.machines.machines[server.id].spec.cores == 4


@pytest.mark.parametrize(
    ("target", "code"),
    [("cax11", "invalid_server_type"), ("cx22", "invalid_server_type"), ("cpx11", "invalid_input")],
)
def test_a_type_that_does_not_fit_is_refused(
    hetzner_client: Any, server: Any, target: str, code: str
) -> None:
    stopped(hetzner_client, server)
    with pytest.raises(APIException) as error:
        server.change_type(ServerType(name=target), upgrade_disk=True)
    assert refused(error)[0] == code


def test_a_disk_never_shrinks(hetzner_client: Any, server: Any) -> None:
    stopped(hetzner_client, server)
    finished(server.change_type(ServerType(name="cx33"), upgrade_disk=True))
    stopped(hetzner_client, server)
    with pytest.raises(APIException) as error:
        server.change_type(ServerType(name="cx23"), upgrade_disk=False)
    assert refused(error)[0] == "invalid_server_type"


def test_rebuild_puts_another_image_on_the_disk(
    hetzner_api: HetznerApi, hetzner_client: Any, server: Any
) -> None:
    reply = server.rebuild(Image(name="ubuntu-24.04"))
    finished(reply.action)
    server.reload()
    assert (server.status, server.image.name) == ("running", "ubuntu-24.04")
    assert reply.root_password
    assert hetzner_api.machines.machines[server.id].spec.image == "ubuntu-24.04"


def test_protection_forbids_delete_and_rebuild(hetzner_client: Any, server: Any) -> None:
    finished(server.change_protection(delete=True, rebuild=True))
    with pytest.raises(APIException) as deletion:
        server.delete()
    assert refused(deletion) == ("protected", "server deletion is protected")
    with pytest.raises(APIException) as rebuild:
        server.rebuild(Image(name="debian-13"))
    assert refused(rebuild)[0] == "protected"
    with pytest.raises(APIException) as half:
        server.change_protection(delete=False)
    assert refused(half)[0] == "invalid_input"
    finished(server.change_protection(delete=False, rebuild=False), server.delete())


def test_a_snapshot_becomes_a_server(hetzner_api: HetznerApi, hetzner_client: Any) -> None:
    server = order_server(hetzner_client)
    made = server.create_image(description="golden", labels={"golden": "yes"})
    finished(made.action)
    found = hetzner_client.images.get_all(label_selector="golden=yes", type=["snapshot"])
    assert [(i.id, i.name, i.status, i.image_size) for i in found] == [
        (made.image.id, None, "available", 1.5)
    ]
    assert found[0].created_from.name == "web"
    finished(server.delete())
    again = order_server(hetzner_client, "again", image=found[0])
    assert hetzner_api.machines.machines[again.id].spec.image == f"image-{found[0].id}"
    found[0].delete()
    hetzner_api.settle()
    assert hetzner_api.machines.snapshots == set()
    again.reload()
    assert again.image is None


def test_backups_need_the_option_and_go_with_it(hetzner_client: Any, server: Any) -> None:
    with pytest.raises(APIException) as error:
        server.create_image(type="backup")
    assert refused(error)[0] == "unsupported_error"
    finished(server.enable_backup())
    server.reload()
    assert server.backup_window == "22-02"
    kept, lost = server.create_image(type="backup"), None
    finished(kept.action)
    lost = server.create_image(type="backup")
    finished(lost.action)
    assert kept.image.bound_to.id == server.id
    kept.image.update(type="snapshot")
    finished(server.disable_backup())
    assert [i.id for i in hetzner_client.images.get_all(type=["snapshot", "backup"])] == [
        kept.image.id
    ]


def test_rescue_iso_password_and_group(hetzner_client: Any, server: Any) -> None:
    assert server.enable_rescue("linux64").root_password
    server.reload()
    assert server.rescue_enabled is True
    finished(server.reset())
    server.reload()
    assert server.rescue_enabled is False
    server.enable_rescue()
    finished(server.disable_rescue())
    finished(server.attach_iso(Iso(name="netboot.xyz.iso")))
    server.reload()
    assert server.iso.name == "netboot.xyz.iso"
    finished(server.detach_iso())
    assert server.reset_password().root_password
    group = hetzner_client.placement_groups.create("group", "spread").placement_group
    with pytest.raises(APIException) as error:
        server.add_to_placement_group(group)
    assert refused(error)[0] == "server_not_stopped"
    server = stopped(hetzner_client, server)
    finished(server.add_to_placement_group(group))
    with pytest.raises(APIException) as twice:
        server.add_to_placement_group(group)
    assert refused(twice)[0] == "already_in_placement_group"
    finished(server.remove_from_placement_group())


def test_reverse_names_are_the_addresses_own(hetzner_client: Any, server: Any) -> None:
    ip, network = server.public_net.ipv4.ip, server.public_net.ipv6.ip
    host = network.replace("::/64", "::1")
    assert server.public_net.ipv4.dns_ptr.endswith(".clients.your-server.de")
    finished(server.change_dns_ptr(ip, "web.acme.example"))
    finished(server.change_dns_ptr(host, "six.acme.example"))
    server.reload()
    assert server.public_net.ipv4.dns_ptr == "web.acme.example"
    assert server.public_net.ipv6.dns_ptr == [{"ip": host, "dns_ptr": "six.acme.example"}]
    finished(server.change_dns_ptr(ip, None))
    server.reload()
    assert server.public_net.ipv4.dns_ptr.endswith(".clients.your-server.de")
    with pytest.raises(APIException) as error:
        server.change_dns_ptr("192.0.2.1", "x.acme.example")
    assert refused(error)[0] == "invalid_input"


def test_lists_are_filtered_and_paged(hetzner_client: Any) -> None:
    for number in range(3):
        order_server(hetzner_client, f"s{number}", labels={"n": str(number)})
    assert [s.name for s in hetzner_client.servers.get_list(per_page=2, page=2).servers] == ["s2"]
    assert [s.name for s in hetzner_client.servers.get_all(label_selector="n in (0,2)")] == [
        "s0",
        "s2",
    ]
    assert [s.name for s in hetzner_client.servers.get_all(status=["off"])] == []
    assert hetzner_client.servers.get_by_name("s1").labels == {"n": "1"}


def test_renaming_reaches_the_machine(
    hetzner_api: HetznerApi, hetzner_client: Any, server: Any
) -> None:
    server.update(name="renamed", labels={"a": "b"})
    hetzner_api.settle()
    assert hetzner_api.machines.machines[server.id].spec.hostname == "renamed"
    assert hetzner_client.servers.get_by_name("renamed").labels == {"a": "b"}
