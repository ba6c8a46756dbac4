"""The whole chain on container machines, once per test session, and a real browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from demo.chain import Chain, Options
from playwright.sync_api import Browser, BrowserContext, sync_playwright

SUBNET = "198.18.77.0/24"
STRANGER = "198.18.77.250"
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


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """Cloud, images, control plane, operator and a Fleet that is ready."""
    missing = missing_for_machines()
    if missing is not None:
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("chain")
    options = Options(folder, cloud_arguments=("--subnet", SUBNET, "--port-base", "0"))
    running = Chain(options)
    try:
        running.start_cloud()
        running.build_images()
        running.start_cluster()
        running.start_operator()
        running.apply_fleet(ssh_networks=(f"{STRANGER}/32",))
        for _ in running.follow("fleet", "demo"):
            pass
        yield running
    finally:
        running.stop()


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
def browser(browser_home: Path) -> Iterator[Browser]:
    """Debian's Chromium, which trusts only what the fixture above put into its store."""
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is missing: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=list(ARGUMENTS),
            env={**os.environ, "HOME": str(browser_home)},
        )
        yield launched
        launched.close()


@pytest.fixture
def desk(browser: Browser, tmp_path: Path) -> Iterator[BrowserContext]:
    """A person's browser window with a German desktop; what it showed last is reported."""
    context = browser.new_context(locale="de-DE", viewport={"width": 1280, "height": 800})
    yield context
    for number, page in enumerate(context.pages):
        picture = tmp_path / f"page-{number}.png"
        page.screenshot(path=picture)
        # Shown by pytest only when the test failed.
        print(f"{picture}: {page.url}\n{page.inner_text('body')}")  # noqa: T201
    context.close()
