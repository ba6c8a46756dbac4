"""What an address answers to who connects, while a server there is still starting."""

from __future__ import annotations

import socket

GREETING = "SSH-"


def ssh_answer(host: str, port: int) -> str:
    """The first four characters that come, or the error in words: refused, reset, timed out."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            return connection.recv(len(GREETING)).decode(errors="replace")
    except OSError as error:
        return error.strerror or str(error)
