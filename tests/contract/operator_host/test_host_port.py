"""What the host port promises, held against Debian's sshd and asyncssh's server."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator

import pytest
from plugins.fix_ssh_server import SshServer, free_port, new_pair
from tenant_operator.core.world import File
from tenant_operator.host.port import (
    Command,
    Host,
    HostKeyMismatch,
    LoginRefused,
    Unreachable,
)
from tenant_operator.host.ssh import SshHosts

OWNER = f"{os.getuid()}:{os.getgid()}"


@pytest.fixture(params=["sshd", "asyncssh_server"])
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
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        await SshHosts().connect(server.address(port=free_port()))


async def test_output_and_exit_code_come_back(host: Host) -> None:
    output = await host.run(Command(argv=("sh", "-c", "echo out; echo err >&2; exit 3")))
    assert (output.code, output.stdout, output.stderr) == (3, "out\n", "err\n")


@pytest.mark.parametrize("text", ["two words", "$HOME", "a'b\"c", "*", "; exit 9", "ä\n"])
async def test_an_argument_arrives_as_it_was(host: Host, text: str) -> None:
    output = await host.run(Command(argv=("printf", "%s", text)))
    assert (output.code, output.stdout) == (0, text)


async def test_standard_input_arrives_and_ends(host: Host) -> None:
    output = await host.run(Command(argv=("cat",), stdin=b"over stdin" * 5000))
    assert output.stdout == "over stdin" * 5000


async def test_long_output_is_cut_and_the_command_still_ends(host: Host) -> None:
    output = await host.run(Command(argv=("head", "-c", "1000000", "/dev/zero")))
    assert (output.code, len(output.stdout)) == (0, 256 * 1024)


@pytest.mark.timeout(30)
async def test_a_command_without_end_is_given_up(host: Host) -> None:
    with pytest.raises(Unreachable, match="no end after"):
        await host.run(Command(argv=("sleep", "60"), time_limit_seconds=0.2))


async def test_files_arrive_whole_with_mode_and_owner(host: Host, server: SshServer) -> None:
    folder = server.root / "deep" / "er"
    files = [
        File(path=str(folder / "a"), content=b"\0\xff" * 70000, mode=0o640, owner=OWNER),
        File(path=str(folder / "b"), content=b"", mode=0o400, owner=OWNER),
    ]
    await host.put(files)
    await host.put(files)
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]
    assert (folder / "a").read_bytes() == b"\0\xff" * 70000
    modes = [stat.S_IMODE((folder / name).stat().st_mode) for name in "ab"]
    assert modes == [0o640, 0o400]


async def test_an_open_file_keeps_its_old_content(host: Host, server: SshServer) -> None:
    path = server.root / "watched"
    await host.put([File(path=str(path), content=b"old", owner=OWNER)])
    with path.open("rb") as reader:
        await host.put([File(path=str(path), content=b"new", owner=OWNER)])
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


async def test_a_file_is_read_or_absent(host: Host, server: SshServer) -> None:
    path = str(server.root / "x")
    assert await host.read(path) is None
    await host.put([File(path=path, content=b"content", owner=OWNER)])
    assert await host.read(path) == b"content"


async def test_a_folder_in_the_way_is_told(host: Host, server: SshServer) -> None:
    (server.root / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(Unreachable, match="copying files"):
        await host.put([File(path=str(server.root / "taken"), content=b"x", owner=OWNER)])


async def test_a_closed_connection_is_unreachable_and_closes_twice(host: Host) -> None:
    await host.close()
    await host.close()
    with pytest.raises(Unreachable):
        await host.run(Command(argv=("true",)))
