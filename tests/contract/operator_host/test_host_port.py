"""What the host port promises, held against every kind of machine there is.

The simulated machine of the local cloud and the sshd of a real one pass the same suite, so that a
tenant that becomes ready in memory means something.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from plugins.fix_ssh_server import SshServer, free_port
from plugins.key_pairs import new_pair
from tenant_operator.core.world import File
from tenant_operator.host.port import (
    Command,
    Host,
    HostKeyMismatch,
    LoginRefused,
    Unreachable,
)
from tenant_operator.host.ssh import SshHosts

HERE = ("sshd", "asyncssh_server")
"""Servers whose files are this machine's."""
EVERYWHERE = (*HERE, "simulated", pytest.param("machine_sshd", marks=pytest.mark.container))


@pytest.fixture(params=EVERYWHERE)
def server(request: pytest.FixtureRequest) -> SshServer:
    """Each server."""
    found: SshServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def host(server: SshServer) -> AsyncIterator[Host]:
    """An open connection."""
    connection = await SshHosts().connect(server.address())
    yield connection
    await connection.close()


async def test_the_pinned_key_opens_and_is_named(server: SshServer) -> None:
    pinned = (new_pair().public, f"{server.host_key.public} a comment")
    host = await SshHosts().connect(server.address(host_keys=pinned))
    assert host.host_key == server.host_key.public
    await host.close()


async def test_another_host_key_is_refused_with_both_fingerprints(server: SshServer) -> None:
    with pytest.raises(HostKeyMismatch, match=r"shows host key SHA256:.*pinned is SHA256:"):
        await SshHosts().connect(server.address(host_keys=(new_pair().public,)))


async def test_no_pinned_key_means_no_connection(server: SshServer) -> None:
    with pytest.raises(HostKeyMismatch):
        await SshHosts().connect(server.address(host_keys=()))


async def test_a_key_the_machine_does_not_know_is_refused(server: SshServer) -> None:
    with pytest.raises(LoginRefused, match="authorized_keys"):
        await SshHosts().connect(server.address(client_key=new_pair().private))


async def test_nobody_listening_is_unreachable(server: SshServer) -> None:
    with pytest.raises(Unreachable, match=server.ip.replace(".", r"\.")):
        await SshHosts().connect(server.address(port=free_port()))


async def test_output_and_exit_code_come_back(host: Host, server: SshServer) -> None:
    there, missing = str(server.root / "there"), str(server.root / "missing")
    await host.put([File(path=there, content=b"out\n", owner=server.owner)])
    output = await host.run(Command(argv=("cat", there, missing)))
    assert (output.code, output.stdout) == (1, "out\n")
    assert f"{missing}: No such file" in output.stderr


@pytest.mark.parametrize("text", ["two words", "$HOME", "a'b\"c", "*", "; exit 9", "ä\n"])
async def test_an_argument_arrives_as_it_was(host: Host, text: str) -> None:
    output = await host.run(Command(argv=("printf", "%s", text)))
    assert (output.code, output.stdout) == (0, text)


async def test_standard_input_arrives_and_ends(host: Host) -> None:
    output = await host.run(Command(argv=("cat",), stdin=b"over stdin" * 5000))
    assert output.stdout == "over stdin" * 5000


async def test_a_program_that_is_not_there_ends_with_127(host: Host) -> None:
    output = await host.run(Command(argv=("no-such-program", "--version")))
    assert output.code == 127
    assert "no-such-program" in output.stderr


async def test_long_output_is_cut_and_the_command_still_ends(host: Host) -> None:
    output = await host.run(Command(argv=("head", "-c", "1000000", "/dev/zero")))
    assert (output.code, len(output.stdout)) == (0, 256 * 1024)


async def test_a_command_without_end_is_given_up(host: Host) -> None:
    with pytest.raises(Unreachable, match="no end after"):
        await host.run(Command(argv=("sleep", "60"), time_limit_seconds=0.2))


async def test_commands_and_files_go_over_one_connection_at_once(
    host: Host, server: SshServer
) -> None:
    files = [
        File(path=str(server.root / f"{n}"), content=str(n).encode() * 9000, owner=server.owner)
        for n in range(20)
    ]
    outputs, *_ = await asyncio.gather(
        asyncio.gather(*(host.run(Command(argv=("printf", "%s", f"{n}"))) for n in range(8))),
        host.put(files),
    )
    assert [output.stdout for output in outputs] == [f"{n}" for n in range(8)]
    assert await host.read(files[19].path) == b"19" * 9000


async def test_files_arrive_whole_with_mode_and_owner(host: Host, server: SshServer) -> None:
    folder = server.root / "deep" / "er"
    files = [
        File(path=str(folder / "a"), content=b"\0\xff" * 70000, mode=0o640, owner=server.owner),
        File(path=str(folder / "b"), content=b"", mode=0o400, owner=server.owner),
    ]
    await host.put(files)
    await host.put(files)
    assert (await host.run(Command(argv=("ls", "-A", str(folder))))).stdout == "a\nb\n"
    assert await host.read(files[0].path) == files[0].content
    owner = server.owner.replace("root", "0").replace(":", " ")
    for file, mode in zip(files, ("640", "400"), strict=True):
        seen = await host.run(Command(argv=("stat", "-c", "%a %u %g", file.path)))
        assert seen.stdout == f"{mode} {owner}\n"


@pytest.mark.parametrize("server", HERE, indirect=True)
async def test_an_open_file_keeps_its_old_content(host: Host, server: SshServer) -> None:
    path = server.root / "watched"
    await host.put([File(path=str(path), content=b"old", owner=server.owner)])
    with path.open("rb") as reader:
        await host.put([File(path=str(path), content=b"new", owner=server.owner)])
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


async def test_a_file_is_read_or_absent(host: Host, server: SshServer) -> None:
    path = str(server.root / "x")
    assert await host.read(path) is None
    await host.put([File(path=path, content=b"content", owner=server.owner)])
    assert await host.read(path) == b"content"


async def test_a_long_file_is_cut(host: Host, server: SshServer) -> None:
    path = str(server.root / "long")
    await host.put([File(path=path, content=b"x" * (1 << 20) + b"y", owner=server.owner)])
    assert await host.read(path) == b"x" * (1 << 20)


async def test_a_folder_in_the_way_is_told(host: Host, server: SshServer) -> None:
    taken = server.root / "taken"
    await host.put([File(path=str(taken / "inside"), content=b"1", owner=server.owner)])
    with pytest.raises(Unreachable, match="copying files"):
        await host.put([File(path=str(taken), content=b"x", owner=server.owner)])
    assert await host.read(str(taken / "inside")) == b"1"


async def test_a_closed_connection_is_unreachable_and_closes_twice(host: Host) -> None:
    await host.close()
    await host.close()
    with pytest.raises(Unreachable):
        await host.run(Command(argv=("true",)))
