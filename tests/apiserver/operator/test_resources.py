"""Every rule of Fleet and Tenant, accepted and rejected by a real API server."""

from __future__ import annotations

import base64
import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from plugins.fix_kube import Kubectl, Rules

pytestmark = pytest.mark.apiserver
ROOT = Path(__file__).resolve().parents[3]
SAMPLES = {
    kind: yaml.safe_load((ROOT / f"manifests/samples/{kind}.yaml").read_text())
    for kind in ("fleet", "tenant")
}
LABEL = "a" * 63


def changed(kind: str, path: str, value: Any) -> dict[str, Any]:
    """The sample with one field set (or removed, when the value is None)."""
    document: dict[str, Any] = copy.deepcopy(SAMPLES[kind])
    *way, last = path.split(".")
    node = document
    for step in way:
        node = node.setdefault(step, {})
    if value is None:
        del node[last]
    else:
        node[last] = value
    return document


def keeps(stored: Any, given: Any) -> bool:
    """Whether everything that was given stands in what is stored, besides what was defaulted."""
    if not isinstance(given, dict):
        return bool(stored == given)
    return all(key in stored and keeps(stored[key], value) for key, value in given.items())


def image(kind: str, content: bytes) -> str:
    """A logo as a data URI."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


PNG = b"\x89PNG\r\n\x1a\n" + bytes(9)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 "
DIGEST = "registry.example/agent@sha256:" + "0" * 64
ACCEPTED: list[tuple[str, str, Any]] = [
    ("tenant", "metadata.name", "a"),
    ("tenant", "metadata.name", "a" * 40),
    ("tenant", "spec.hostname", "xn--bcher-kva.agency.example"),
    ("tenant", "spec.hostname", f"{LABEL}.agency.example"),
    ("tenant", "spec.volume.sizeGiB", 10),
    ("tenant", "spec.volume.sizeGiB", 10240),
    ("tenant", "spec.volume", None),
    ("tenant", "spec.volume", {"adoptFrom": "01234567-89ab-cdef-0123-456789abcdef"}),
    ("tenant", "spec.server", {"types": ["cx23"], "location": "hel1"}),
    ("tenant", "spec.images", {"agent": DIGEST}),
    ("tenant", "spec.agent.languages", ["en"]),
    ("tenant", "spec.agent.model", {"apiKeySecretRef": {"name": "other"}}),
    ("tenant", "spec.displayName", "Bücher & Söhne 株式会社"),
    ("tenant", "spec.displayName", "👨\u200d👩\u200d👧 Familie"),
    ("tenant", "spec.displayName", "ä" * 120),
    ("tenant", "spec.branding.logo", image("png", PNG)),
    ("tenant", "spec.branding.logo", image("jpeg", b"\xff\xd8\xff\xe0" + bytes(8))),
    ("tenant", "spec.branding.logo", image("webp", WEBP)),
    ("tenant", "spec.branding.logo", image("svg+xml", SVG)),
    ("tenant", "spec.branding.logo", image("svg+xml", b"\xef\xbb\xbf<?xml version='1.0'?>")),
    ("tenant", "spec.branding.logo", image("png", PNG + bytes(98_000))),
    ("tenant", "spec.branding.logo", ""),
    ("tenant", "spec.deletion", None),
    ("tenant", "spec.deletion.retain", "1d12h"),
    ("tenant", "spec.drift", "Report"),
    ("tenant", "spec.suspend", True),
    ("fleet", "spec.infrastructure.endpoint", "http://127.0.0.1:8080/v1"),
    ("fleet", "spec.dns", {
        "provider": "cloudflare", "zone": "agency.example", "proxied": True,
        "tokenSecretRef": {"name": "zone"},
    }),
    ("fleet", "spec.dns.resolvers", ["9.9.9.9", "127.0.0.1:5353", "[::1]:53"]),
    ("fleet", "spec.access.sshNetworks", ["203.0.113.0/24", "2001:db8::/32"]),
    ("fleet", "spec.access.sshPort", 2222),
    ("fleet", "spec.registry.host", "registry.localcloud.test:5000"),
    ("fleet", "spec.registry.credentialsSecretRef", {"name": "pull"}),
    ("fleet", "spec.trust", {"caBundle": "-----BEGIN CERTIFICATE-----"}),
    ("fleet", "spec.publicPort", 8443),
]  # fmt: skip
REJECTED: list[tuple[str, str, Any, str]] = [
    ("tenant", "metadata.name", "a" * 41, "at most 40 characters"),
    ("tenant", "metadata.name", "a" * 64, "at most 40 characters"),
    ("tenant", "metadata.name", "acme.eu", "no dots"),
    ("tenant", "metadata.name", "Bücher", "lowercase RFC 1123"),
    ("tenant", "spec.fleetRef", None, "fleetRef"),
    ("tenant", "spec.fleetRef.name", "Not A Name", "name of a Kubernetes object"),
    ("tenant", "spec.displayName", "", "must hold a letter or a digit"),
    ("tenant", "spec.displayName", " \u00a0\u3000", "must hold a letter or a digit"),
    ("tenant", "spec.displayName", "x" * 121, "at most 120 characters"),
    ("tenant", "spec.displayName", "x" * 481, "Too long"),
    ("tenant", "spec.displayName", "Acme\u202egpj", "turn the direction of reading"),
    ("tenant", "spec.displayName", "\u3164", "one line of text"),
    ("tenant", "spec.displayName", "Ac\u200bme", "one line of text"),
    ("tenant", "spec.displayName", "Acme\u2028GmbH", "one line of text"),
    ("tenant", "spec.displayName", "Acme\nGmbH", "one line of text"),
    ("tenant", "spec.hostname", "bücher.agency.example", "write international names in punycode"),
    ("tenant", "spec.hostname", "agent", "full host name"),
    ("tenant", "spec.hostname", "Agent.agency.example", "lower case"),
    ("tenant", "spec.hostname", f"{LABEL}a.agency.example", "at most 63"),
    ("tenant", "spec.hostname", "agent.agency.example.", "full host name"),
    ("tenant", "spec.hostname", "a/b.agency.example", "full host name"),
    ("tenant", "spec.volume.sizeGiB", 9, "greater than or equal to 10"),
    ("tenant", "spec.volume.sizeGiB", 10241, "less than or equal to 10240"),
    ("tenant", "spec.volume.adoptFrom", "acme", "must be the uid of a deleted Tenant"),
    ("tenant", "spec.server", {"types": []}, "at least 1"),
    ("tenant", "spec.images", {"agent": "registry.example/agent:latest"}, "by digest"),
    ("tenant", "spec.agent.languages", ["fr"], "supported values"),
    ("tenant", "spec.agent.languages", ["de", "de"], "Duplicate"),
    ("tenant", "spec.agent.adminEmail", "nobody", "e-mail address"),
    ("tenant", "spec.agent.adminEmail", "a@acme.example\nB=c", "e-mail address"),
    ("tenant", "spec.agent.model", None, "spec.agent.model: Required value"),
    ("tenant", "spec.agent.model", {}, "apiKeySecretRef: Required value"),
    ("tenant", "spec.agent.model", {"apiKeySecretRef": {"name": "Not A Name"}}, "name of a Kub"),
    ("tenant", "spec.branding.primary", "red", "colour such as #1a56db"),
    ("tenant", "spec.branding.accent", "#12345", "colour such as #1a56db"),
    ("tenant", "spec.branding.logo", "https://acme.example/logo.png", "data URI"),
    ("tenant", "spec.branding.logo", "data:image/gif;base64,R0lGODlh", "data URI"),
    ("tenant", "spec.branding.logo", "data:image/png;base64,", "of the type it names"),
    ("tenant", "spec.branding.logo", "data:image/png;base64,iVBORw0KGgo", "must be base64"),
    ("tenant", "spec.branding.logo", image("png", PNG)[:-4] + "AA A", "must be base64"),
    ("tenant", "spec.branding.logo", image("png", PNG) + "\n", "must be base64"),
    ("tenant", "spec.branding.logo", image("png", PNG) + "'\"><script>", "must be base64"),
    ("tenant", "spec.branding.logo", image("png", SVG), "of the type it names"),
    ("tenant", "spec.branding.logo", image("svg+xml", PNG), "of the type it names"),
    ("tenant", "spec.branding.logo", image("webp", b"RIFF\x24\x00\x00\x00WAVE"), "of the type"),
    ("tenant", "spec.branding.logo", image("png", PNG + bytes(99_000)), "make the picture smaller"),
    ("tenant", "spec.branding.name", "x" * 81, "at most 80 characters"),
    ("tenant", "spec.branding.name", "", "must hold a letter or a digit"),
    ("tenant", "spec.branding.name", "\u2066Acme", "one line of text"),
    ("tenant", "spec.server", {"location": "fsn1\n"}, "one word of letters"),
    ("tenant", "spec.agent.model", {"apiKeySecretRef": {"name": "m", "key": "a b"}}, "a key of"),
    ("tenant", "spec.branding.name", "Acme\x00", "one line of text"),
    ("tenant", "spec.deletion.retain", "30 days", "duration such as 30d"),
    ("tenant", "spec.deletion.retain", "999999h", "at most five digits"),
    ("tenant", "spec.drift", "Ignore", "supported values"),
    ("fleet", "spec.infrastructure.provider", "other", "supported values"),
    ("fleet", "spec.infrastructure.endpoint", "ftp://example.com", "must be a URL"),
    ("fleet", "spec.infrastructure.endpoint", "https://ops:secret@example.com/v1", "password"),
    ("fleet", "spec.infrastructure.locations", [], "at least 1"),
    ("fleet", "spec.infrastructure.serverTypes", [""], "one word of letters"),
    ("fleet", "spec.trust", {"caBundle": "certificate"}, "certificates in PEM form"),
    ("fleet", "spec.trust", {
        "caBundle": "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----",
    }, "no private key"),
    ("fleet", "spec.registry.host", "https://registry.example", "a host with an optional port"),
    ("fleet", "spec.infrastructure.serverTypes", ["x"] * 17, "at most 16"),
    ("fleet", "spec.infrastructure.tokenSecretRef", None, "tokenSecretRef"),
    ("fleet", "spec.dns.provider", "route53", "supported values"),
    ("fleet", "spec.dns.zone", "agency", "full host name"),
    ("fleet", "spec.dns.proxied", True, "only Cloudflare can stand before a tenant"),
    ("fleet", "spec.dns.resolvers", ["resolver.example"], "address with an optional port"),
    ("fleet", "spec.acme.email", "nobody", "e-mail address"),
    ("fleet", "spec.acme.directory", "acme", "must be a URL"),
    ("fleet", "spec.access.sshNetworks", ["anywhere"], "each entry must be a network"),
    ("fleet", "spec.access.sshNetworks", [], "at least 1"),
    ("fleet", "spec.access.sshPort", 0, "greater than or equal to 1"),
    ("fleet", "spec.registry.host", "", "a host with an optional port"),
    ("fleet", "spec.images.redis", "redis:8", "by digest"),
    ("fleet", "spec.images.redis", None, "redis"),
    ("fleet", "spec.model.dimensions", 63, "greater than or equal to 64"),
    ("fleet", "spec.publicPort", 65536, "less than or equal to 65535"),
]  # fmt: skip
FIXED = [
    ("tenant", "spec.fleetRef.name", "other", "cannot change its fleet"),
    ("tenant", "spec.volume.sizeGiB", 11, "can only grow"),
]


@pytest.mark.parametrize("kind", ["fleet", "tenant"])
def test_the_sample_applies(kubectl: Kubectl, kind: str) -> None:
    kubectl.apply(SAMPLES[kind])
    assert keeps(kubectl.get(kind, SAMPLES[kind]["metadata"]["name"]), SAMPLES[kind])


@pytest.mark.parametrize(("kind", "path", "value"), ACCEPTED)
def test_accepted(rules: Rules, kind: str, path: str, value: Any) -> None:
    item = changed(kind, path, value)
    assert keeps(rules.accepts(item), item)


@pytest.mark.parametrize(("kind", "path", "value", "words"), REJECTED)
def test_rejected(rules: Rules, kind: str, path: str, value: Any, words: str) -> None:
    assert words in rules.rejects(changed(kind, path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.displayName", "x" * 121),
        ("spec.displayName", ""),
        ("spec.branding.name", "ä" * 81),
        ("spec.branding.logo", image("png", PNG + bytes(99_000))),
        ("spec.hostname", f"{LABEL}." * 4 + "example"),
        ("spec.deletion.retain", "30 days"),
        ("spec.branding.primary", "cornflowerblue"),
    ],
)
def test_only_our_sentence_is_said(rules: Rules, path: str, value: str) -> None:
    """Neither "bytes", nor a remark about rules that were left unchecked."""
    said = rules.rejects(changed("tenant", path, value))
    assert said.count("Invalid value") == 1
    assert "<nil>" not in said
    assert "bytes" not in said


def test_every_mistake_is_named_at_once(rules: Rules) -> None:
    document = changed("tenant", "spec.displayName", "x" * 121)
    document["spec"]["hostname"] = "agent"
    said = rules.rejects(document)
    assert "at most 120 characters" in said
    assert "full host name" in said


@pytest.mark.parametrize(("kind", "path", "value", "words"), FIXED)
def test_what_cannot_change(kubectl: Kubectl, kind: str, path: str, value: Any, words: str) -> None:
    kubectl.apply(changed(kind, "spec.volume.sizeGiB", 12))
    assert words in kubectl.rejects(changed(kind, path, value))


def test_leaving_the_volume_out_is_no_way_round_its_size(kubectl: Kubectl) -> None:
    kubectl.apply(changed("tenant", "spec.volume.sizeGiB", 30))
    patch = ("patch", "tenant", SAMPLES["tenant"]["metadata"]["name"], "--type=merge", "-p")
    refused = kubectl.run(*patch, '{"spec":{"volume":null}}', check=False).stderr
    assert "a volume can only grow" in refused


def test_columns_and_short_names(kubectl: Kubectl) -> None:
    kubectl.apply(SAMPLES["fleet"], SAMPLES["tenant"])
    narrow = kubectl.run("get", "tn").stdout.splitlines()[0].split()
    wide = kubectl.run("get", "tn", "-o", "wide").stdout.splitlines()[0].split()
    assert narrow == ["NAME", "READY", "REASON", "RELEASE", "HOSTNAME", "AGE"]
    assert set(wide) - set(narrow) == {"SERVER", "IP", "LOCATION"}
    assert SAMPLES["fleet"]["metadata"]["name"] in kubectl.run("get", "fl").stdout
    chosen = kubectl.get("tn", "--field-selector", "spec.hostname=agent.acme.agency.example")
    assert len(chosen["items"]) == 1


@pytest.mark.parametrize(
    "field",
    [
        "tenant.spec.deletion.retain",
        "tenant.spec.agent.model.apiKeySecretRef",
        "fleet.spec.infrastructure.bake",
    ],
)
def test_every_field_is_explained(shared_kubectl: Kubectl, field: str) -> None:
    described = shared_kubectl.run("explain", field, "--api-version=blueagency.io/v1alpha1").stdout
    assert len(described.split("DESCRIPTION:")[1].strip()) > 30


def test_nothing_is_written_into_a_tenant_that_left_it_out(kubectl: Kubectl) -> None:
    kubectl.apply(changed("tenant", "spec.deletion", None))
    assert "deletion" not in kubectl.get("tn", "acme")["spec"]
