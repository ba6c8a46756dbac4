"""The server name of real ClientHellos, made by OpenSSL, however they arrive."""

from __future__ import annotations

import ssl

import pytest
from localcloud.edge.hello import Hello, NotTlsError, read_hello
from localcloud.edge.passthrough import BadRequestError, read_host


def client_hello(name: str | None) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


def split_in_records(hello: bytes, size: int) -> bytes:
    """The same handshake message in records of at most `size` bytes."""
    message = hello[5:]
    pieces = [message[i : i + size] for i in range(0, len(message), size)]
    return b"".join(hello[:3] + len(piece).to_bytes(2, "big") + piece for piece in pieces)


def test_the_name_is_read() -> None:
    assert read_hello(client_hello("Agent.Acme.Test")) == Hello("agent.acme.test")


def test_a_hello_without_a_name_has_none() -> None:
    assert read_hello(client_hello(None)) == Hello("")


def test_every_shorter_beginning_asks_for_more() -> None:
    hello = client_hello("agent.acme.test")
    assert all(read_hello(hello[:length]) is None for length in range(len(hello)))
    assert read_hello(hello + b"early data") == Hello("agent.acme.test")


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_hello_may_be_spread_over_records(size: int) -> None:
    hello = split_in_records(client_hello("agent.acme.test"), size)
    assert read_hello(hello) == Hello("agent.acme.test")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\x16\x05\x00\x00\x05hello",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
        b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
        b"\x16\x03\x01\x00\x08\x01\x00\x00\x04\x03\x03\x00\x00",
    ],
    ids=["http", "version", "empty record", "server hello", "endless", "cut short"],
)
def test_what_is_no_hello_is_said_so(data: bytes) -> None:
    with pytest.raises(NotTlsError):
        read_hello(data)


@pytest.mark.parametrize(
    ("head", "host"),
    [
        (b"GET / HTTP/1.1\r\nHost: Agent.acme.test:8082\r\n\r\nrest", "agent.acme.test"),
        (b"GET / HTTP/1.1\r\nAccept: */*\r\nhost:agent.acme.test.\r\n\r\n", "agent.acme.test"),
        (b"GET / HTTP/1.1\r\nHost: agent.acme.test\r\n", None),
    ],
)
def test_the_host_of_a_request(head: bytes, host: str | None) -> None:
    assert read_host(head) == host


def test_a_request_without_host_is_refused() -> None:
    with pytest.raises(BadRequestError):
        read_host(b"GET / HTTP/1.0\r\n\r\n")
