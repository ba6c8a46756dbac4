"""`controlplane up|down|status|kubeconfig`: a real API server for people and scripts."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from controlplane import cluster
from controlplane.binaries import BuildError


def run() -> None:
    """Entry point of the command."""
    options = _parser().parse_args()
    try:
        code = options.action(options)
    except (BuildError, cluster.StartError) as error:
        sys.stderr.write(f"controlplane: {error}\n")
        code = 1
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="controlplane", description=__doc__)
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up", help="start it and return once it is ready")
    up.set_defaults(action=_up)
    up.add_argument("--controller-manager", action="store_true", help="also run Jobs and GC")
    up.add_argument("--foreground", action="store_true", help="stay, and stop it on Ctrl-C")
    for name, action, text in (
        ("down", _down, "stop it"),
        ("status", _status, "say whether it runs; exit 1 when it does not"),
        ("kubeconfig", _kubeconfig, "print the path of the administrator's kubeconfig"),
    ):
        commands.add_parser(name, help=text).set_defaults(action=action)
    for command in commands.choices.values():
        command.add_argument(
            "--dir", type=Path, default=Path(".run/controlplane"), help="its data folder"
        )
    return parser


def _up(options: argparse.Namespace) -> int:
    started = time.monotonic()
    plane = cluster.start(
        cluster.Options(
            options.dir.resolve(),
            controller_manager=options.controller_manager,
            supervised=options.foreground,
        )
    )
    _say(f"ready after {time.monotonic() - started:.1f} s at {plane.url}")
    _say(f"export KUBECONFIG={plane.kubeconfig}")
    if options.foreground:
        with plane:
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


def _down(options: argparse.Namespace) -> int:
    plane = cluster.load(options.dir.resolve())
    if plane is None:
        _say("not running")
        return 0
    plane.stop()
    _say("stopped")
    return 0


def _status(options: argparse.Namespace) -> int:
    plane = cluster.load(options.dir.resolve())
    if plane is None or not all(process.alive() for process in plane.processes):
        _say("not running")
        return 1
    _say(f"running at {plane.url}")
    return 0


def _kubeconfig(options: argparse.Namespace) -> int:
    _say(str(options.dir.resolve() / "kubeconfig"))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
