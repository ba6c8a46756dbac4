"""Ports that simulated machines and proxied edges share, of one local cloud or of several.

Simulated machines listen on all of loopback, an edge on one address: the kernel lets both have port
443 when both say so (SO_REUSEPORT) and prefers the single address. It would as well let two local
clouds have the very same place and deal connections out between them; a name that only one process
can hold, and that ends with it, keeps them from that.
"""

from __future__ import annotations

import socket


def hold(place: str, port: int) -> socket.socket:
    """Hold `place:port` for this process; closing the socket gives it back.

    Raises:
        OSError: another local cloud on this computer holds it.
    """
    name = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        name.bind(f"\0localcloud/{place}:{port}")
    except OSError as error:
        name.close()
        raise OSError(error.errno, f"another local cloud has {place}, port {port}") from error
    return name
