"""The whole chain on container machines, once per test session, and a real browser.

The operator runs from its image, as the service account of `manifests/install`. Besides the Fleet
that every Tenant shares there is a second one, proxied and without a snapshot; its Tenant `stock`
is applied before all others and grows up while other tests run.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from demo import objects
from demo.chain import Chain, Options, conditions
from demo.customer import Customer
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from plugins.calm_network import calm_network, program_in
from plugins.lasting_folder import lasting_folder
from plugins.tenant_machine import TenantMachine

SUBNET = "198.18.77.0/24"
STRANGER = "198.18.77.250"
PROXIED_ZONE = "visited.test"
EDGE = "131.0.75.254"
"""Out of Cloudflare's published networks, because machines let no other in."""
STOCK = "stock"
REASON_SECONDS = 300.0
PATIENCE_MS = 90_000
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# Background networking off: the machine reaches no hosts of the browser's maker.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def missing_for_machines() -> str | None:
    """Why container machines cannot run here, or None."""
    if os.geteuid() != 0:
        return "container machines need root: run as root"
    probe = subprocess.run(["/usr/bin/docker", "info"], capture_output=True, check=False)
    if probe.returncode != 0:
        return "no Docker engine answers: `hack/setup docker` installs and starts one"
    return None


@dataclass(frozen=True)
class Bootstrap:
    """How the Tenant `stock` got ready: what its conditions said while something was wrong."""

    apt_locked: str
    pull_failed: str


@dataclass(frozen=True)
class Session:
    """What runs for all end-to-end tests of a session."""

    chain: Chain
    bootstrap: Future[Bootstrap]


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    """Cloud, images, control plane, operator, a Fleet that is ready and the Tenant `stock`."""
    missing = missing_for_machines()
    if missing is not None:
        pytest.skip(missing)
    place = ("--subnet", SUBNET, "--port-base", "0")
    words = (*place, "--cloudflare-zone", PROXIED_ZONE, "--proxy", EDGE)
    # A machine removed at the provider is to be noticed within a test, not within five minutes.
    settings = {"OPERATOR_SWEEP_SECONDS": "20"}
    with lasting_folder("e2e") as folder, ThreadPoolExecutor(1) as beside:
        chain = Chain(Options(folder, operator="image", cloud_arguments=words, settings=settings))
        try:
            start(chain)
            apply_stock(chain)
            yield Session(chain, beside.submit(grow_up, chain))
        finally:
            chain.stop()


def start(chain: Chain) -> None:
    """Every part, and the Fleet `demo` with its snapshot."""
    chain.prepare()
    chain.start_cloud()
    chain.build_images()
    chain.start_cluster()
    chain.start_operator()
    chain.apply_fleet(ssh_networks=(f"{STRANGER}/32",))
    for _ in chain.follow("fleet", "demo"):
        pass


@pytest.fixture(scope="session")
def chain(session: Session) -> Chain:
    """The chain that all tests share."""
    return session.chain


def apply_stock(chain: Chain) -> None:
    """A Fleet behind Cloudflare whose machines start from the stock image, and its Tenant."""
    fleet = objects.fleet(chain.endpoints, chain.images, chain.ca_bundle.read_text())
    fleet["metadata"]["name"] = "proxied"
    fleet["spec"]["infrastructure"]["bake"] = False
    fleet["spec"]["dns"] |= {
        "provider": "cloudflare",
        "zone": PROXIED_ZONE,
        "endpoint": chain.endpoints["cloudflare"],
        "tokenSecretRef": {"name": "cloudflare", "key": "token"},
        "proxied": True,
    }
    tenant = objects.tenant(STOCK)
    tenant["spec"]["fleetRef"]["name"] = "proxied"
    tenant["spec"]["hostname"] = f"agent.{PROXIED_ZONE}"
    chain.give_model_key(STOCK)
    token = {"token": chain.endpoints["tokens"]["cloudflare"]}
    chain.apply(objects.secret("cloudflare", token), fleet, tenant)


def grow_up(chain: Chain) -> Bootstrap:
    """Follow the Tenant `stock` to Ready, with two faults on its way."""
    machine = TenantMachine.of(chain, await_server(chain, STOCK))
    machine.await_init()
    registry = chain.endpoints["registry"].partition(":")[0]
    with machine.registry_down(registry):
        with machine.apt_locked():
            locked = await_reason(chain, STOCK, "AptLocked")
        failed = await_reason(chain, STOCK, "ImagePullFailed")
    for _ in chain.follow("tenant", STOCK):
        pass
    return Bootstrap(locked, failed)


def await_server(chain: Chain, name: str) -> objects.Document:
    """The Tenant, as soon as it has a machine."""
    end = time.monotonic() + REASON_SECONDS
    while "server" not in (tenant := chain.get("tenant", name)).get("status", {}):
        assert time.monotonic() < end, f"{name} has no server: {conditions(tenant)}"
        time.sleep(0.1)
    return tenant


def await_reason(chain: Chain, name: str, reason: str) -> str:
    """The message of the first condition that shows this reason."""
    end = time.monotonic() + REASON_SECONDS
    while True:
        found = conditions(chain.get("tenant", name))
        for _, shown, message in found.values():
            if shown == reason:
                return message
        assert time.monotonic() < end, f"{name} does not show {reason}: {found}"
        time.sleep(0.2)


def await_answer(chain: Chain, tenant: objects.Document) -> None:
    """Wait until the public name answers and everything behind it is ready."""
    end = time.monotonic() + REASON_SECONDS
    with Customer(chain.door(tenant)) as customer:
        while (problem := customer.problem()) is not None:
            assert time.monotonic() < end, f"{tenant['status']['url']}: {problem}"
            time.sleep(0.3)


def owned(chain: Chain, name: str) -> dict[str, int]:
    """How many things of each kind the cloud holds for a Tenant."""
    kinds = ("servers", "volumes", "primary_ips")
    found = {
        kind: sum(item["name"].startswith(f"t-{name}-") for item in chain.cloud_list(kind))
        for kind in kinds
    }
    records = chain.cloud_list(f"zones/{objects.ZONE}/rrsets")
    named = [item for item in records if item["name"] == f"agent.{name}" and item["type"] == "A"]
    return {**found, "rrsets": len(named)}


@pytest.fixture(scope="session")
def browser_home(chain: Chain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder whose certificate store trusts the local cloud's authorities."""
    if shutil.which("certutil") is None:
        pytest.skip("certutil is missing: apt-get install libnss3-tools")
    home = tmp_path_factory.mktemp("home")
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    database = f"sql:{store}"
    subprocess.run(["certutil", "-N", "-d", database, "--empty-password"], check=True)
    pems = re.findall(r"-----BEGIN.*?END CERTIFICATE-----\n?", chain.ca_bundle.read_text(), re.S)
    for number, pem in enumerate(pems):
        argv = ["certutil", "-A", "-d", database, "-n", f"ca-{number}", "-t", "C,,"]
        subprocess.run(argv, input=pem, text=True, check=True)
    return home


@pytest.fixture(scope="session")
def browser(
    chain: Chain, browser_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """Debian's Chromium, which trusts only what the fixture above put into its store."""
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is missing: apt-get install chromium")
    edge = int(chain.endpoints["edge"].rpartition(":")[2])
    script = tmp_path_factory.mktemp("browser") / "chromium"
    with calm_network(edge) as network, sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=program_in(network, CHROMIUM, script),
            args=list(ARGUMENTS),
            env={**os.environ, "HOME": str(browser_home)},
        )
        expect.set_options(timeout=PATIENCE_MS)
        yield launched
        launched.close()


@pytest.fixture
def desk(browser: Browser, tmp_path: Path) -> Iterator[BrowserContext]:
    """A person's browser window with a German desktop; what it showed last is reported."""
    context = browser.new_context(locale="de-DE", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    # Shown by pytest only when the test failed, as what is printed below.
    context.on("requestfailed", lambda lost: print(f"{lost.method} {lost.url}: {lost.failure}"))  # noqa: T201
    yield context
    for number, page in enumerate(context.pages):
        picture = tmp_path / f"page-{number}.png"
        page.screenshot(path=picture)
        print(f"{picture}: {page.url}\n{page.inner_text('body')}")  # noqa: T201
    context.close()
