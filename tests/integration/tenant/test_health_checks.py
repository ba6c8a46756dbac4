"""What Docker is told of the web process: ready, not ready, no answer, no HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tenant_agent.main import healthcheck

READY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
NOT_READY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def listener(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A server that answers one connection; its port and what it was asked."""
    asked: list[bytes] = []

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            asked.append(connection.recv(4096))
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        yield server.getsockname()[1], asked
        thread.join()


@pytest.mark.parametrize(
    ("answer", "code"),
    [(READY, 0), (NOT_READY, 1), (b"", 1), (b"no HTTP\r\n", 1), (b"HTTP/1.1\r\n", 1)],
)
def test_only_a_ready_web_process_is_healthy(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, code: int
) -> None:
    with listener(answer) as (port, asked):
        monkeypatch.setenv("AGENT_LISTEN_PORT", str(port))
        assert healthcheck() == code
    assert asked[0].startswith(b"GET /readyz HTTP/1.0\r\n")


def test_where_nobody_listens_it_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AGENT_LISTEN_PORT", str(server.getsockname()[1]))
    assert healthcheck() == 1
