"""The big clients, asked for by name: `LOCALCLOUD_CLIENTS=terraform,ansible`.

Each needs minutes to build or hundreds of megabytes to install, so they run when somebody asks;
what came out last is in the README of the local cloud. Terraform or OpenTofu has to be on `PATH`;
its provider is built from the Go module proxy, Ansible is installed from PyPI into the cache.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from plugins.fix_hetzner import TOKEN, HetznerApi
from plugins.hetzner_orders import public_key

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
CACHE = Path(os.environ.get("BLUEAGENCY_CACHE") or Path.home() / ".cache/blueagency")
WANTED = os.environ.get("LOCALCLOUD_CLIENTS", "").split(",")
BUILD_SECONDS, RUN_SECONDS = 900, 300


def on_demand(name: str, why: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        name not in WANTED, reason=f"LOCALCLOUD_CLIENTS does not name {name}: {why}"
    )


def ran(
    *argv: str | Path, folder: Path, allowed: tuple[int, ...] = (0,), **variables: str
) -> subprocess.CompletedProcess[str]:
    """What a client says; its exit code has to be an allowed one."""
    done = subprocess.run(
        [str(word) for word in argv],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **variables},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode in allowed, done.stdout + done.stderr
    return done


class Terraform:
    """Terraform or OpenTofu, with the provider that was built, in a folder of its own."""

    def __init__(self, api: HetznerApi, folder: Path, provider: Path) -> None:
        program = shutil.which("terraform") or shutil.which("tofu")
        assert program, "put terraform or tofu on PATH"
        self._program, self._folder = program, folder
        (folder / "terraform-provider-hcloud").symlink_to(provider)
        overrides = f'dev_overrides {{ "hetznercloud/hcloud" = "{folder}" }}'
        (folder / "rc").write_text(f"provider_installation {{\n {overrides}\n direct {{}}\n}}\n")
        shutil.copy(HERE / "terraform" / "main.tf", folder)
        self._variables = {
            "TF_CLI_CONFIG_FILE": str(folder / "rc"),
            "CHECKPOINT_DISABLE": "1",
            "HCLOUD_ENDPOINT": api.url,
            "HCLOUD_TOKEN": TOKEN,
        }

    def __call__(self, *words: str, **variables: str) -> int:
        """Run it with input variables; a plan ends with 2 when it would change something."""
        told = {f"TF_VAR_{name}": value for name, value in variables.items()}
        argv = (self._program, *words, "-no-color", "-input=false")
        done = ran(*argv, folder=self._folder, allowed=(0, 2), **self._variables, **told)
        return done.returncode


@pytest.fixture(scope="session")
def provider() -> Path:
    """The provider, compiled once and kept in the cache."""
    built = subprocess.run(
        [ROOT / "hack/tools/build", "terraform-provider-hcloud"],
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return Path(built.stdout.strip())


@on_demand("terraform", "its provider takes minutes to build")
@pytest.mark.timeout(BUILD_SECONDS + 4 * RUN_SECONDS)
def test_terraform_applies_finds_nothing_to_change_and_destroys(
    hetzner_api: HetznerApi, provider: Path, tmp_path: Path
) -> None:
    terraform = Terraform(hetzner_api, tmp_path, provider)
    key = public_key()
    terraform("apply", "-auto-approve", public_key=key)
    assert terraform("plan", "-detailed-exitcode", public_key=key) == 0
    server = hetzner_api.ask("GET", "/servers?name=web").json()["servers"][0]
    assert (server["status"], server["public_net"]["firewalls"][0]["status"]) == (
        "running",
        "applied",
    )
    again = {"server_type": "cx33", "volume_size": "20", "protected": "false"}
    terraform("apply", "-auto-approve", public_key=key, **again)
    changed = hetzner_api.ask("GET", "/servers?name=web").json()["servers"][0]
    assert (changed["id"], changed["server_type"]["name"]) == (server["id"], "cx33")
    assert terraform("plan", "-detailed-exitcode", public_key=key, **again) == 0
    terraform("destroy", "-auto-approve", public_key=key, **again)
    for kind in ("servers", "volumes", "networks", "firewalls", "primary_ips", "ssh_keys", "zones"):
        assert hetzner_api.ask("GET", f"/{kind}").json()[kind] == []


@pytest.fixture(scope="session")
def ansible() -> Path:
    """Ansible's core in a virtual environment in the cache, and the newest collections beside it.

    The package `ansible` asks for a newer Python than its collections need.
    """
    folder = CACHE / "ansible"
    collections = ("--no-deps", "--python-version", "3.14", "--target", str(folder / "collections"))
    core = ("--python", str(folder / "bin" / "python"))
    if not (folder / "collections" / "ansible_collections").exists():
        for argv in (
            ("venv", "--quiet", "--allow-existing", str(folder)),
            ("pip", "install", "--quiet", *core, "ansible-core", "requests", "python-dateutil"),
            ("pip", "install", "--quiet", *collections, "ansible"),
        ):
            subprocess.run(["uv", *argv], check=True, timeout=BUILD_SECONDS)
    return folder


@on_demand("ansible", "it installs half a gigabyte")
@pytest.mark.timeout(BUILD_SECONDS + 3 * RUN_SECONDS)
def test_ansible_makes_changes_nothing_twice_and_removes(
    hetzner_api: HetznerApi, ansible: Path, tmp_path: Path
) -> None:
    variables = json.dumps({"public_key": public_key()})

    def play(state: str) -> dict[str, int]:
        argv = (
            ansible / "bin" / "ansible-playbook",
            HERE / "ansible" / f"{state}.yaml",
            "-e",
            variables,
        )
        said = ran(
            *argv,
            folder=tmp_path,
            HCLOUD_ENDPOINT=hetzner_api.url,
            HCLOUD_TOKEN=TOKEN,
            ANSIBLE_PYTHON_INTERPRETER=str(ansible / "bin" / "python"),
            ANSIBLE_COLLECTIONS_PATH=str(ansible / "collections"),
            ANSIBLE_STDOUT_CALLBACK="ansible.posix.json",
            ANSIBLE_LOCALHOST_WARNING="false",
            ANSIBLE_INVENTORY_UNPARSED_WARNING="false",
        ).stdout
        stats: dict[str, int] = json.loads(said[said.index("{") :])["stats"]["localhost"]
        return stats

    assert play("present")["changed"] > 0
    assert play("present")["changed"] == 0
    assert hetzner_api.ask("GET", "/servers").json()["servers"][0]["status"] == "running"
    assert play("absent")["failures"] == 0
    for kind in ("servers", "volumes", "networks", "firewalls", "primary_ips", "ssh_keys", "zones"):
        assert hetzner_api.ask("GET", f"/{kind}").json()[kind] == []
