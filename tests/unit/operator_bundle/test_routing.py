"""Traefik's files: what is served, how, and what is never logged or routed."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from tenant_operator.bundle.render import render
from unit.operator_bundle.conftest import PLAIN, StackMaker

STATIC = "root/opt/tenant/config/traefik/traefik.yaml"


def parsed(path: str, **changes: Any) -> dict[str, Any]:
    """A rendered YAML file of the plain stack."""
    from dataclasses import replace

    data: dict[str, Any] = yaml.safe_load(render(replace(PLAIN, **changes)).files[path].content)
    return data


@pytest.mark.parametrize("color", ["blue", "green"])
def test_either_colour_has_routes_that_differ_only_in_the_server(color: str) -> None:
    routes = parsed(f"routes/{color}.yaml")
    servers = routes["http"]["services"]["agent"]["loadBalancer"].pop("servers")
    assert servers == [{"url": f"http://agent-{color}:8000"}]
    other = parsed("routes/blue.yaml")
    del other["http"]["services"]["agent"]["loadBalancer"]["servers"]
    assert routes == other


def test_metrics_are_not_routed_and_nothing_is_compressed() -> None:
    http = parsed("routes/blue.yaml")["http"]
    assert "!PathPrefix(`/metrics`)" in http["routers"]["agent"]["rule"]
    assert set(http["middlewares"]) == {"security"}
    assert set(http["middlewares"]["security"]) == {"headers"}


def test_only_tls_1_3_with_named_curves() -> None:
    options = parsed("routes/blue.yaml")["tls"]["options"]["default"]
    assert options["minVersion"] == "VersionTLS13"
    assert options["curvePreferences"][0] == "X25519MLKEM768"
    assert options["sniStrict"] is True


def test_hsts_lasts_two_years() -> None:
    headers = parsed("routes/blue.yaml")["http"]["middlewares"]["security"]["headers"]
    assert headers["stsSeconds"] >= 63_072_000


def test_there_is_no_dashboard_and_no_docker_provider() -> None:
    static = parsed(STATIC)
    assert "api" not in static
    assert set(static["providers"]) == {"file"}


def test_the_access_log_drops_query_strings_and_headers() -> None:
    fields = parsed(STATIC)["accessLog"]["fields"]
    assert fields["queryParameters"] == {"defaultMode": "drop"}
    assert fields["headers"] == {"defaultMode": "drop"}


def test_certificates_come_by_http_01_from_the_fleets_directory() -> None:
    acme = parsed(STATIC)["certificatesResolvers"]["acme"]["acme"]
    assert acme["caServer"] == "https://acme.example/dir"
    assert acme["httpChallenge"] == {"entryPoint": "web"}


@pytest.mark.parametrize(("port", "target"), [(443, "websecure"), (8443, ":8443")])
def test_http_redirects_to_the_port_customers_use(port: int, target: str) -> None:
    web = parsed(STATIC, public_port=port)["entryPoints"]["web"]
    assert web["http"]["redirections"]["entryPoint"]["to"] == target


def test_forwarded_addresses_are_believed_from_the_named_proxies_only() -> None:
    for entry in ("web", "websecure"):
        plain = parsed(STATIC)["entryPoints"][entry]["forwardedHeaders"]
        proxied = parsed(STATIC, trusted_proxies=("192.0.2.0/24",))["entryPoints"][entry]
        assert plain == {"trustedIPs": []}
        assert proxied["forwardedHeaders"] == {"trustedIPs": ["192.0.2.0/24"]}


def test_a_new_directory_restarts_the_proxy_alone(stack: StackMaker) -> None:
    def files_label(**changes: Any) -> dict[str, str]:
        services = yaml.safe_load(render(stack(**changes)).files["compose.yaml"].content)
        return {k: v["labels"]["io.blueagency.files"] for k, v in services["services"].items()}

    before, after = files_label(), files_label(acme_directory="https://other.example/dir")
    assert {name for name in before if before[name] != after[name]} == {"traefik"}
