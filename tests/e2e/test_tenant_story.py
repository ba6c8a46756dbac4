"""One customer from `kubectl apply` to "nothing is left", with a real browser, on real machines.

The tests of this file tell one story and run in the order they are written; each needs the ones
before it. The chain is the one that `make demo` starts.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from demo import objects
from demo.chain import Chain, conditions
from playwright.sync_api import BrowserContext, Page, expect
from plugins.fix_chain import owned

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

TENANT = "acme"
PASSWORD = "ein langer Satz als Passwort"
GERMAN = "Bis wann muss ich Belege nach einer Dienstreise einreichen?"
ENGLISH = "How many days of vacation do employees have per year?"


@pytest.fixture(scope="module")
def tenant(chain: Chain) -> Iterator[objects.Document]:
    """A Tenant that is ready; deleted at the end of the story if it still is there."""
    chain.apply_tenant(TENANT)
    for _ in chain.follow("tenant", TENANT):
        pass
    yield chain.get("tenant", TENANT)
    chain.kubectl("delete", "tenant", TENANT, "--ignore-not-found", "--timeout=180s")


def sign_in(page: Page, tenant: objects.Document, password: str) -> None:
    page.goto(tenant["status"]["url"])
    page.get_by_label("E-Mail-Adresse").fill(tenant["spec"]["agent"]["adminEmail"])
    page.get_by_label("Passwort", exact=True).fill(password)
    page.get_by_role("button", name="Anmelden").click()


def ask(page: Page, question: str) -> None:
    page.get_by_label("Ihre Frage").fill(question)
    page.get_by_role("button", name="Senden").click()


def test_a_tenant_becomes_ready_and_every_step_says_so(tenant: objects.Document) -> None:
    found = conditions(tenant)
    assert found["Ready"][0] == "True"
    assert found["Stalled"][0] == "False"
    steps = {kind: status for kind, (status, _, _) in found.items()}
    steps.pop("Stalled")
    steps.pop("Reconciling")
    assert set(steps.values()) == {"True"}
    assert tenant["status"]["url"].startswith(f"https://agent.{TENANT}.{objects.ZONE}:")


def test_the_first_sign_in_demands_an_own_password(
    chain: Chain, tenant: objects.Document, desk: BrowserContext
) -> None:
    once = chain.secret(f"{TENANT}-secrets", "bootstrap_password")
    page = desk.new_page()
    sign_in(page, tenant, once)
    page.get_by_label("Aktuelles Passwort").fill(once)
    page.get_by_label("Neues Passwort", exact=True).fill(PASSWORD)
    page.get_by_label("Neues Passwort wiederholen").fill(PASSWORD)
    page.get_by_role("button", name="Passwort festlegen").click()
    expect(page.get_by_role("heading", name="Was möchten Sie wissen?")).to_be_visible()


def test_an_uploaded_pdf_answers_in_both_languages_with_a_citation_that_opens(
    tenant: objects.Document, desk: BrowserContext
) -> None:
    page = desk.new_page()
    sign_in(page, tenant, PASSWORD)
    page.get_by_role("link", name="Dokumente", exact=True).click()
    page.locator("input[type=file]").set_input_files(objects.SAMPLES / "documents/handbuch.pdf")
    expect(page.get_by_text("Bereit", exact=True)).to_be_visible()

    page.get_by_role("link", name="Chat", exact=True).click()
    ask(page, GERMAN)
    answer = page.get_by_role("article", name="KI-Assistent").last
    expect(answer).to_contain_text("14 Tagen")
    answer.locator("button.chip").first.click()
    panel = page.get_by_role("complementary", name="Quelle 1")
    expect(panel.locator("mark").first).to_contain_text("14 Tagen")
    expect(panel).to_contain_text("Seite 3 von 3")
    original = panel.get_by_role("link", name="Original öffnen")
    address = original.get_attribute("href")
    assert address is not None
    assert address.endswith("#page=3")
    first_bytes = "async (url) => (await (await fetch(url)).text()).slice(0, 5)"
    assert page.evaluate(first_bytes, address) == "%PDF-"

    ask(page, ENGLISH)
    answer = page.get_by_role("article", name="KI-Assistent").last
    expect(answer).to_contain_text("30")
    expect(answer.locator("button.chip").first).to_be_visible()


def test_what_no_document_says_is_not_answered(
    tenant: objects.Document, desk: BrowserContext
) -> None:
    page = desk.new_page()
    sign_in(page, tenant, PASSWORD)
    page.get_by_role("heading", name="Was möchten Sie wissen?").wait_for()
    ask(page, "Wer hat die Fußballweltmeisterschaft 1954 gewonnen?")
    expect(page.get_by_text("Nicht in Ihren Dokumenten gefunden")).to_be_visible(timeout=30_000)


def test_branding_changed_with_kubectl_is_seen_without_a_restart(
    chain: Chain, tenant: objects.Document, desk: BrowserContext
) -> None:
    patch = {"spec": {"branding": {"name": "Neue Marke", "primary": "#7c3aed"}}}
    chain.kubectl("patch", "tenant", TENANT, "--type=merge", "-p", json.dumps(patch))
    for _ in chain.follow("tenant", TENANT):
        pass
    page = desk.new_page()
    page.goto(tenant["status"]["url"])
    expect(page).to_have_title(re.compile("Neue Marke"))


def test_only_tls_1_3_is_spoken(chain: Chain, tenant: objects.Document) -> None:
    host, port = chain.endpoints["edge"].split(":")
    name = urlsplit(tenant["status"]["url"]).hostname
    context = ssl.create_default_context(cafile=str(chain.ca_bundle))
    with (
        socket.create_connection((host, int(port)), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname=name) as modern,
    ):
        assert modern.version() == "TLSv1.3"
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection((host, int(port)), timeout=10) as raw,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(raw, server_hostname=name)


def test_nothing_is_left_after_delete(chain: Chain, tenant: objects.Document) -> None:
    chain.delete_tenant(TENANT)
    nothing = {"servers": 0, "volumes": 0, "primary_ips": 0, "rrsets": 0}
    assert owned(chain, TENANT) == nothing
    secrets = chain.kubectl("get", "secrets", "-o", "name").split()
    assert f"secret/{TENANT}-secrets" not in secrets
