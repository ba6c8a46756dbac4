"""The programs that the local cloud runs: pebble issues, the registry keeps.

They are compiled by `hack/tools/build`; where one is absent its tests say so and are skipped. The
ACME client here is the least that RFC 8555 lets issue a certificate over HTTP-01.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import socket
import ssl
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from cloudflare import Cloudflare
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.verification import PolicyBuilder, Store
from localcloud.processes import ProcessError, cache_folder, find_program
from plugins.fix_localcloud import LocalCloud, RunLocalCloud

HOST = "127.0.0.1"
SECONDS = 30.0


def program(name: str) -> Path:
    """A built program, or a skip that says how to get it."""
    try:
        return find_program(name, cache_folder(), hint=f"run `hack/tools/build {name}`")
    except ProcessError as error:
        pytest.skip(str(error))


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Acme:
    """An account at an ACME server."""

    def __init__(self, cloud: LocalCloud) -> None:
        port = str(cloud.endpoints["acme"]).rpartition(":")[2].partition("/")[0]
        self._bundle = str(cloud.ca)
        self._key = ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        x, y = (encoded(n.to_bytes(32, "big")) for n in (numbers.x, numbers.y))
        self._jwk = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
        self._account = ""
        self._directory = self._send("GET", f"https://{HOST}:{port}/dir").json()
        terms = {"termsOfServiceAgreed": True}
        self._account = self._post(self._directory["newAccount"], terms).headers["Location"]

    def _send(self, method: str, url: str, body: bytes | None = None) -> requests.Response:
        kind = {"Content-Type": "application/jose+json"}
        answer = requests.request(
            method, url, data=body, headers=kind, timeout=SECONDS, verify=self._bundle
        )
        answer.raise_for_status()
        return answer

    def _post(self, url: str, payload: object | None) -> requests.Response:
        nonce = self._send("HEAD", self._directory["newNonce"]).headers["Replay-Nonce"]
        who = {"kid": self._account} if self._account else {"jwk": self._jwk}
        protected = encoded(
            json.dumps({"alg": "ES256", "nonce": nonce, "url": url, **who}).encode()
        )
        text = "" if payload is None else encoded(json.dumps(payload).encode())
        der = self._key.sign(f"{protected}.{text}".encode(), ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(der)
        signature = encoded(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
        signed = {"protected": protected, "payload": text, "signature": signature}
        return self._send("POST", url, json.dumps(signed).encode())

    def _until(self, url: str, *ends: str) -> dict[str, Any]:
        end = time.monotonic() + SECONDS
        while True:
            found: dict[str, Any] = self._post(url, None).json()
            if found["status"] in ends or time.monotonic() > end:
                return found
            time.sleep(0.05)

    def issue(self, name: str, responder: Responder) -> str:
        """A certificate chain for `name`, proven over HTTP-01; else the order's status."""
        order = self._post(
            self._directory["newOrder"], {"identifiers": [{"type": "dns", "value": name}]}
        )
        where, asked = order.headers["Location"], order.json()
        proof = self._post(asked["authorizations"][0], None).json()
        challenge = next(c for c in proof["challenges"] if c["type"] == "http-01")
        thumb = hashlib.sha256(
            json.dumps(self._jwk, sort_keys=True, separators=(",", ":")).encode()
        ).digest()
        responder.tokens[challenge["token"]] = f"{challenge['token']}.{encoded(thumb)}"
        self._post(challenge["url"], {})
        if self._until(where, "ready", "invalid")["status"] == "invalid":
            return "invalid"
        self._post(asked["finalize"], {"csr": encoded(request_for(name))})
        done = self._until(where, "valid", "invalid")
        return self._post(done["certificate"], None).text


def request_for(name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    request = builder.add_extension(names, False).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)


@dataclass
class Responder:
    """A machine's web server that answers challenges."""

    port: int
    tokens: dict[str, str] = field(default_factory=dict)
    asked_by: list[str] = field(default_factory=list)


@pytest.fixture
def responder() -> Iterator[Responder]:
    found = Responder(0)

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked_by.append(self.client_address[0])
            body = found.tokens.get(self.path.rpartition("/")[2], "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return None

    with http.server.ThreadingHTTPServer((HOST, 0), Answers) as server:
        found.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture
def acme_cloud(run_localcloud: RunLocalCloud, responder: Responder) -> LocalCloud:
    """A cloud whose machines have the responder's port, before which the edge has it too."""
    program("pebble")
    ports = f"--ports=machine_http={responder.port},proxy_http={responder.port}"
    return run_localcloud(
        ports, "--cloudflare-zone=acme.test", only=("dns", "cloudflare", "proxy", "acme")
    )


def point(cloud: LocalCloud, name: str, *, proxied: bool) -> None:
    """A record in Cloudflare's zone that leads to the responder."""
    with Cloudflare(api_token=cloud.cloudflare_token, base_url=cloud.cloudflare) as client:
        (zone,) = client.zones.list(name="acme.test")
        client.dns.records.create(
            zone_id=zone.id, type="A", name=name, content=HOST, ttl=1, proxied=proxied
        )


@pytest.mark.parametrize(("proxied", "asker"), [(False, HOST), (True, "127.63.0.1")])
def test_pebble_issues_over_http_01_for_a_name_in_our_dns(
    proxied: bool, asker: str, acme_cloud: LocalCloud, responder: Responder
) -> None:
    point(acme_cloud, "agent", proxied=proxied)
    chain = Acme(acme_cloud).issue("agent.acme.test", responder)
    leaf, *rest = x509.load_pem_x509_certificates(chain.encode())
    roots = x509.load_pem_x509_certificates(acme_cloud.ca.read_bytes())
    verifier = (
        PolicyBuilder().store(Store(roots)).build_server_verifier(x509.DNSName("agent.acme.test"))
    )
    verifier.verify(leaf, rest)
    assert set(responder.asked_by) == {asker}


def test_pebble_refuses_a_name_that_dns_does_not_know(
    acme_cloud: LocalCloud, responder: Responder
) -> None:
    assert Acme(acme_cloud).issue("nobody.acme.test", responder) == "invalid"
    assert responder.asked_by == []


def test_no_child_outlives_the_instance(acme_cloud: LocalCloud) -> None:
    port = int(str(acme_cloud.endpoints["acme"]).rpartition(":")[2].partition("/")[0])
    assert acme_cloud.stop() == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port), timeout=SECONDS)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The smallest image: one file in one layer."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        hello = tarfile.TarInfo("hello")
        hello.size = 5
        tar.addfile(hello, io.BytesIO(b"world"))
    path = tmp_path / "layer.tar"
    path.write_bytes(layer.getvalue())
    return path


def test_an_image_goes_in_over_loopback_and_out_under_the_machines_name(
    run_localcloud: RunLocalCloud, image: Path, tmp_path: Path
) -> None:
    crane = program("crane")
    program("registry")
    cloud = run_localcloud(only=("dns", "registry"))
    trusted = {"SSL_CERT_FILE": str(cloud.ca), "HOME": str(tmp_path)}
    host, port = cloud.address("registry_push")
    name = f"{host}:{port}/blueagency/tiny:1"

    def run(*arguments: str) -> str:
        ended = subprocess.run(
            [crane, *arguments], env=trusted, capture_output=True, text=True, timeout=SECONDS
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    run("append", "--new_layer", str(image), "--new_tag", name)
    digest = run("digest", name)
    assert run("ls", f"{host}:{port}/blueagency/tiny") == "1"
    run("pull", f"{host}:{port}/blueagency/tiny@{digest}", str(tmp_path / "out.tar"))
    cloud.stop()
    again = run_localcloud(only=("dns", "registry"))
    kept = f"{HOST}:{again.address('registry_push')[1]}/blueagency/tiny@{digest}"
    assert run("digest", kept) == digest
    shown = certificate_names(again)
    assert {"registry.localcloud.test", "localhost"} <= shown


def certificate_names(cloud: LocalCloud) -> set[str]:
    """The names that the registry's certificate is for, checked against the bundle."""
    context = ssl.create_default_context(cafile=cloud.ca)
    with (
        socket.create_connection(cloud.address("registry_push"), timeout=SECONDS) as plain,
        context.wrap_socket(plain, server_hostname="registry.localcloud.test") as tls,
    ):
        shown = tls.getpeercert()
    assert shown is not None
    return {str(entry[1]) for entry in shown["subjectAltName"]}
