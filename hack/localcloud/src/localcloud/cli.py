"""`localcloud`: start, stop and question an instance from the command line.

`up` stays in the foreground and ends with SIGTERM or Ctrl-C; the other commands find the instance
by its folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from os import kill
from pathlib import Path
from typing import Any

from localcloud import administration
from localcloud.authority import Authority
from localcloud.backends import machines_of
from localcloud.edge.interface import InterfaceError
from localcloud.instance import PURGE
from localcloud.machines.port import MachineError
from localcloud.processes import ProcessError
from localcloud.runner import (
    ENDPOINTS,
    SETTINGS,
    AlreadyRunningError,
    PartError,
    hold,
    holder,
    serve,
)
from localcloud.settings import (
    BACKENDS,
    SERVICES,
    Settings,
    SettingsError,
    check,
    from_json,
    port_names,
    ports_from,
)

STOP_SECONDS = 60.0
EXPECTED = (
    AlreadyRunningError,
    PartError,
    SettingsError,
    ProcessError,
    InterfaceError,
    MachineError,
    administration.AdministrationError,
)


def run() -> None:
    """The program."""
    raise SystemExit(command(sys.argv[1:]))


def command(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code. What a person can mend is said in a sentence."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.call(options)
    except EXPECTED as error:
        print(f"localcloud: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return code


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="localcloud", description=__doc__)
    commands = parser.add_subparsers(required=True)
    _add_up(commands)
    down = _add(commands, "down", _down, "stop the instance")
    down.add_argument("--purge", action="store_true", help="remove machines and the folder too")
    _add(commands, "status", _status, "what runs, and where")
    _add_fault(commands)
    _add_token(commands)
    return parser


def _add(
    commands: Any, name: str, call: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--dir", type=Path, required=True, help="the instance's folder")
    parser.set_defaults(call=call)
    return parser


def _add_up(commands: Any) -> None:
    up = _add(commands, "up", _up, "start an instance and stay in the foreground")
    up.add_argument("--backend", choices=BACKENDS, default="memory")
    up.add_argument("--subnet", default="", help="the machines' IPv4 network")
    up.add_argument("--port-base", type=int, help="first of consecutive ports; 0: any free ones")
    up.add_argument("--ports", default="", help=f"name=port,… of {', '.join(port_names())}")
    up.add_argument("--only", default=",".join(SERVICES), help="services to start, by comma")
    up.add_argument("--forward", default="system", help="other names: system, off or address:port")
    up.add_argument("--proxy", default="", help="address that proxied names are answered with")
    up.add_argument("--hetzner-zone", action="append", default=[], metavar="NAME")
    up.add_argument("--cloudflare-zone", action="append", default=[], metavar="NAME[:PLAN]")
    up.add_argument("--nonce-reject", type=int, default=0, help="percent of good ACME nonces")
    up.add_argument("--pace", type=float, default=0.0, help="share of the time Hetzner would take")
    up.add_argument("--binaries", type=Path, help="folder with pebble and registry")
    up.add_argument("--registry-data", type=Path, help="keep images here, also after a purge")
    up.add_argument("--stock-data", type=Path, help="share unpacked system images here")
    up.add_argument("--openapi", type=Path, help="Hetzner's document, to check every answer")
    up.add_argument("--verbose", action="store_true", help="log every part's messages")


def _add_fault(commands: Any) -> None:
    fault = _add(commands, "fault", _fault, "make requests to an API go wrong")
    fault.add_argument("what", choices=("add", "list", "clear"))
    fault.add_argument("fault", nargs="?", default="{}", help="a JSON object, for add")
    fault.add_argument("--of", choices=("hetzner", "cloudflare", "model"), default="hetzner")


def _add_token(commands: Any) -> None:
    token = _add(commands, "token", _token, "make API tokens")
    token.add_argument("what", choices=("create",))
    token.add_argument("--of", choices=("hetzner", "cloudflare"), default="hetzner")
    token.add_argument("--read-only", action="store_true")
    token.add_argument("--project", default="", help="project's name; default: the ready one")
    token.add_argument("--zone", action="append", default=[], help="Cloudflare: only this zone")


def _settings(options: argparse.Namespace) -> Settings:
    chosen = dict(item.split("=", 1) for item in options.ports.split(",") if "=" in item)
    try:
        ports = {name: int(port) for name, port in chosen.items()}
    except ValueError as error:
        raise SettingsError(f"--ports takes name=number, by comma: {error}") from error
    given = {"binaries": options.binaries} if options.binaries else {}
    return check(
        Settings(
            dir=options.dir.resolve(),
            backend=options.backend,
            subnet=options.subnet,
            ports=ports_from(options.port_base, ports, backend=options.backend),
            only=tuple(name for name in options.only.split(",") if name),
            forward=options.forward,
            proxy=options.proxy,
            hetzner_zones=tuple(options.hetzner_zone),
            cloudflare_zones=tuple(options.cloudflare_zone),
            nonce_reject=options.nonce_reject,
            pace=options.pace,
            openapi=options.openapi,
            registry_data=options.registry_data,
            stock_data=options.stock_data,
            **given,
        )
    )


def _up(options: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING)
    asyncio.run(serve(_settings(options), _say))
    return 0


def _down(options: argparse.Namespace) -> int:
    folder = options.dir.resolve()
    pid = holder(folder)
    if options.purge and folder.exists():
        (folder / PURGE).touch()
    if pid is not None:
        _stop(pid, folder)
    if options.purge and folder.exists():
        asyncio.run(_purge(folder))
        shutil.rmtree(folder)
    ended = f"stopped process {pid}" if pid is not None else "nothing ran"
    _say(f"{ended}; {'removed' if options.purge else 'kept'} {folder}")
    return 0


def _stop(pid: int, folder: Path) -> None:
    with suppress(ProcessLookupError):
        kill(pid, signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while holder(folder) is not None:
        if time.monotonic() > end:
            raise ProcessError(f"process {pid} did not stop within {STOP_SECONDS:.0f} s")
        time.sleep(0.05)


async def _purge(folder: Path) -> None:
    """Remove what an instance left outside its folder when it crashed or failed to start."""
    file = folder / SETTINGS
    if not file.exists():
        return
    with hold(folder):
        machines = machines_of(from_json(json.loads(file.read_text())), Authority(folder / "ca"))
        await machines.close(purge=True)


def _status(options: argparse.Namespace) -> int:
    folder = options.dir.resolve()
    pid = holder(folder)
    path = folder / ENDPOINTS
    if pid is None or not path.exists():
        _say(f"no instance runs in {folder}" if pid is None else f"process {pid} is starting")
        return 3
    _say(f"process {pid} runs in {folder}")
    for name, value in json.loads(path.read_text()).items():
        if name not in ("tokens", "pid"):
            _say(f"  {name:<14} {value}")
    return 0


def _fault(options: argparse.Namespace) -> int:
    api = administration.of(options.dir.resolve(), options.of)
    if options.what == "add":
        api.add_fault(options.fault)
    elif options.what == "clear":
        api.clear_faults()
    else:
        _say(json.dumps(api.faults(), indent=2))
    return 0


def _token(options: argparse.Namespace) -> int:
    api = administration.of(options.dir.resolve(), options.of)
    _say(api.make_token(_wanted_token(options)))
    return 0


def _wanted_token(options: argparse.Namespace) -> dict[str, Any]:
    if options.of == "hetzner":
        project = {"project": options.project} if options.project else {}
        return {"read_only": options.read_only, **project}
    reading = ["zone:read", "dns:read"]
    permissions = {"permissions": reading} if options.read_only else {}
    return {"zones": options.zone or ["*"], **permissions}
