"""A program that is over before its input is written."""

from __future__ import annotations

import asyncssh
from plugins.fix_ssh_server import SshServer
from tenant_operator.host.ssh import hand_over


async def test_input_that_nobody_wants_any_more_breaks_nothing(asyncssh_server: SshServer) -> None:
    async with asyncssh.connect(
        "127.0.0.1",
        asyncssh_server.port,
        client_keys=[asyncssh.import_private_key(asyncssh_server.client_key.private)],
        known_hosts=None,
        config=None,
    ) as connection:
        process = await connection.create_process("printf done", encoding=None)
        process.stdin.write_eof()
        await process.wait_closed()
        hand_over(process.stdin, b"late")
        assert await process.stdout.read() == b"done"
