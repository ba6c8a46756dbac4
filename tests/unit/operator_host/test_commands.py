"""Commands and jobs as values: argument lists, quoting, digests and the declared list."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenant_operator.core.stack import BakeInputs, Bundle, HardenInputs, Images
from tenant_operator.core.world import File, Job, Volume
from tenant_operator.host import bootstrap, commands
from tenant_operator.host.ssh import command_line, owner_ids

INPUTS = HardenInputs(
    client_public_key="ssh-ed25519 AAAAOperator",
    ssh_networks=("192.0.2.0/24", "2001:db8::/32"),
    operator_networks=("192.0.2.9",),
    http_networks=(),
    registry_host="registry.example:5000",
    ca_bundle="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
)

VOLUME = Volume(
    id=42,
    name="t-1",
    size_gib=10,
    location="fsn1",
    status="available",
    device="/dev/disk/by-id/scsi-0HC_Volume_42",
    labels={},
)


def items(job: Job) -> dict[str, dict[str, Any]]:
    """The hardening list in a job's files."""
    file = next(file for file in job.files if file.path.endswith("harden.json"))
    return {item["name"]: item for item in json.loads(file.content)["items"]}


def test_observing_sends_the_program_and_installs_nothing() -> None:
    command = commands.observe()
    assert command.argv == ("/usr/bin/python3", "-", "observe")
    assert b"def observe()" in command.stdin
    assert commands.observe(await_news=True).argv == (*command.argv, "news")


def test_starting_names_each_job_in_order_and_the_limit_of_them_all() -> None:
    disk, stop = bootstrap.data_disk(VOLUME), bootstrap.stop_stack()
    python, agent, verb, limit, plan = commands.start([disk, stop]).argv
    assert (python, verb, limit) == ("/usr/bin/python3", "start", "1200")
    assert agent == "/opt/tenant/host-agent/hostagent.pyz"
    assert json.loads(plan) == [["data-disk", disk.digest, "42"], ["stop", stop.digest]]


@given(st.lists(st.text(st.characters(blacklist_characters="\0")), min_size=1))
def test_an_argument_list_survives_the_remote_shell(argv: list[str]) -> None:
    assert shlex.split(command_line(argv)) == argv


@pytest.mark.parametrize(
    ("owner", "ids"), [("root:root", (0, 0)), ("10001:10001", (10001, 10001)), ("999:0", (999, 0))]
)
def test_owners_are_numbers(owner: str, ids: tuple[int, int]) -> None:
    assert owner_ids(owner) == ids


def test_an_owner_only_one_machine_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="postgres"):
        owner_ids("postgres:postgres")


def test_equal_inputs_make_equal_jobs() -> None:
    assert bootstrap.harden(INPUTS) == bootstrap.harden(replace(INPUTS))


@pytest.mark.parametrize(
    "change",
    [
        {"client_public_key": "ssh-ed25519 AAAAOther"},
        {"ssh_networks": ("198.51.100.0/24",)},
        {"operator_networks": ()},
        {"http_networks": ("192.0.2.0/24",)},
        {"registry_host": "other.example"},
        {"ca_bundle": ""},
    ],
)
def test_every_input_changes_the_digest(change: dict[str, Any]) -> None:
    assert bootstrap.harden(replace(INPUTS, **change)).digest != bootstrap.harden(INPUTS).digest


def test_a_host_key_job_holds_no_key_in_its_arguments() -> None:
    job = bootstrap.rotate_host_key("PRIVATE KEY TEXT", "ssh-ed25519 AAAA")
    assert "PRIVATE" not in " ".join(job.arguments)
    staged = next(file for file in job.files if file.path.endswith("/host-key"))
    assert (staged.mode, staged.content) == (0o600, b"PRIVATE KEY TEXT\n")


def test_a_deployment_is_named_by_its_bundle_and_keeps_modes_and_owners() -> None:
    secret = File(path="root/s", content=b"x", mode=0o400, owner="10001:10001")
    job = bootstrap.deploy(Bundle(digest="d1", files={"root/s": secret}))
    assert job.digest == "d1"
    placed = next(file for file in job.files if file.path.endswith("/s"))
    assert placed.path == "/opt/tenant/releases/d1/root/s"
    assert (placed.mode, placed.owner) == (0o400, "10001:10001")


def test_the_agent_travels_as_one_runnable_archive() -> None:
    names = zipfile.ZipFile(io.BytesIO(bootstrap.agent_file().content)).namelist()
    assert "__main__.py" in names
    assert {"hostagent/entry.py", "hostagent/stack.py", "hostagent/harden.py"} <= set(names)


def test_every_item_says_why_and_can_be_checked() -> None:
    for name, item in items(bootstrap.harden(INPUTS)).items():
        assert item["why"], name
        assert {"files", "packages", "units", "checks", "sysctls"} & set(item), name


def test_a_snapshot_is_hardened_with_everything_but_the_tenants_own_key() -> None:
    images = Images(agent="a", traefik="t", postgres="p", redis="r")
    job = bootstrap.bake(
        BakeInputs(system="debian-13", images=images, registry=None, hardening=INPUTS)
    )
    listed = json.loads(job.files[0].content)["items"]
    whole = items(bootstrap.harden(INPUTS))
    assert [*listed, whole["authorized-keys"]] == list(whole.values())


def test_only_the_named_networks_reach_sshd() -> None:
    rules = items(bootstrap.harden(INPUTS))["firewall"]["files"][0]["content"]
    assert (
        "set ssh4 { type ipv4_addr; flags interval; auto-merge; elements = { 192.0.2.0/24 } }"
        in rules
    )
    assert "elements = { 2001:db8::/32 }" in rules
    assert "policy drop" in rules
    assert "ip daddr 169.254.0.0/16 drop" in rules


def test_a_family_without_networks_is_an_empty_set() -> None:
    only_four = replace(INPUTS, ssh_networks=("192.0.2.1/32",))
    rules = items(bootstrap.harden(only_four))["firewall"]["files"][0]["content"]
    assert "set ssh6 { type ipv6_addr; flags interval; auto-merge;  }" in rules


def test_only_the_operator_is_exempt_from_bans() -> None:
    jail = items(bootstrap.harden(INPUTS))["ban-settings"]["files"][0]["content"]
    assert "ignoreip = 127.0.0.1/8 ::1 192.0.2.9\n" in jail
    assert "mode = aggressive" in jail
    assert "backend = systemd" in jail


def test_docker_is_never_upgraded_unattended() -> None:
    settings = items(bootstrap.harden(INPUTS))["upgrades"]["files"][0]["content"]
    assert '"^docker";' in settings
    assert '"^containerd";' in settings


def test_the_fleets_authorities_reach_the_host_and_its_docker() -> None:
    paths = {file["path"] for file in items(bootstrap.harden(INPUTS))["trust"]["files"]}
    assert paths == {
        "/usr/local/share/ca-certificates/tenant/ca-0.crt",
        "/etc/docker/certs.d/registry.example:5000/ca.crt",
    }
    assert "trust" not in items(bootstrap.harden(replace(INPUTS, ca_bundle="")))


def test_a_grown_volume_is_work_to_do_again() -> None:
    grown = replace(VOLUME, size_gib=20)
    assert bootstrap.data_disk(grown).digest != bootstrap.data_disk(VOLUME).digest
    assert bootstrap.data_disk(grown).arguments == ("42",)


def test_another_system_makes_another_snapshot() -> None:
    images = Images(agent="a", traefik="t", postgres="p", redis="r")
    old, new = (
        bootstrap.bake(
            BakeInputs(system=system, images=images, registry=None, hardening=INPUTS)
        ).digest
        for system in ("debian-13", "debian-14")
    )
    assert old != new
