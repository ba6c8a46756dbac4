"""`demo up|down`: what `make demo` and `make demo-down` run."""

from __future__ import annotations

import argparse
import errno
import getpass
import os
import secrets
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType

import httpx
from controlplane import binaries
from controlplane.binaries import BuildError
from controlplane.cluster import StartError
from rich.markup import escape

from demo import objects, record
from demo.alone import TakenError, alone, end_running
from demo.chain import Chain, Options, clean
from demo.customer import Answer, Customer, RefusedError
from demo.process import ChildError
from demo.screen import SIGNALS, Progress, Screen

QUESTION = "Bis wann muss ich Belege nach einer Dienstreise einreichen?"
HANDBOOK = objects.SAMPLES / "documents" / "handbuch.pdf"
TENANT = "acme"
SIMULATED = """
The machines are simulated: they take every job and answer as a healthy stack does, but nobody can
sign in. `make agent` starts the agent itself, without Docker."""
FAULTS = (ChildError, RefusedError, BuildError, StartError, httpx.HTTPError)


class StoppedError(Exception):
    """The person asked to stop."""


def run() -> None:
    """Entry point of the command."""
    options = _parser().parse_args()
    sys.exit(options.action(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up", help="start everything, ask a question, wait for Ctrl-C")
    up.set_defaults(action=_up)
    up.add_argument("--cluster", choices=("local", "current"), default="local")
    up.add_argument("--once", action="store_true", help="stop after the first answer")
    up.add_argument("--backend", choices=("container", "memory"), default="container")
    up.add_argument("--operator", choices=("checkout", "image"), default="checkout")
    up.add_argument("--subnet", default="", help="the machines' network, when the usual is taken")
    up.add_argument("--port-base", default="", help="first port; 0 for any free ones")
    down = commands.add_parser("down", help="remove what a demo made, also after a crash")
    down.set_defaults(action=_down)
    for command in (up, down):
        command.add_argument("--dir", type=Path, default=Path(".run/demo"))
    return parser


def _down(options: argparse.Namespace) -> int:
    screen, folder = Screen(), options.dir.resolve()
    end_running(folder)
    try:
        clean(folder)
    except ChildError as error:
        _fail(screen, error, folder / "logs")
        return 1
    screen.say("Nothing of the demo is left.")
    return 0


def _fail(screen: Screen, error: Exception, logs: Path) -> None:
    screen.say(f"[red]✗[/] {escape(str(error))}\nlogs: {logs}")
    if os.strerror(errno.EADDRINUSE).lower() in str(error).lower():
        screen.say("`make demo PORT_BASE=0` takes free ports.")


def _up(options: argparse.Namespace) -> int:
    screen, folder = Screen(), options.dir.resolve()
    given = {"--subnet": options.subnet, "--port-base": options.port_base}
    words = tuple(word for name, value in given.items() if value for word in (name, value))
    chain = Chain(
        Options(
            folder,
            backend=options.backend,
            cluster=options.cluster,
            operator=options.operator,
            cloud_arguments=words,
        )
    )
    try:
        with alone(folder):
            _stop_on_signals(screen)
            try:
                code = _live(chain, screen, once=options.once)
            finally:
                ended = _end(chain, screen)
            return max(code, ended)
    except TakenError as error:
        screen.say(f"[red]✗[/] {escape(str(error))}")
        return 1


def _live(chain: Chain, screen: Screen, *, once: bool) -> int:
    """Everything until the person, or a fault, ends it; returns the exit code."""
    kind = record.kind()
    try:
        clean(chain.options.folder)
        shutil.rmtree(chain.logs, ignore_errors=True)
        _bring_up(chain, screen)
        record.keep_demo(kind, screen.took)
        if not once:
            screen.say("\nCtrl-C stops the demo and removes everything it made.")
            _stay(chain)
    except StoppedError:
        screen.say()
    except FAULTS as error:
        _fail(screen, error, chain.logs)
        return 1
    return 0


def _stay(chain: Chain) -> None:
    """Wait for the person; a part that ends by itself ends the demo."""
    while True:
        chain.check()
        threading.Event().wait(1)


def _end(chain: Chain, screen: Screen) -> int:
    _ignore_signals()
    try:
        screen.step("Stopping", lambda: _stopped(chain))
    except FAULTS as error:
        _fail(screen, error, chain.logs)
        return 1
    return 0


def _stop_on_signals(screen: Screen) -> None:
    """The first signal ends the demo; the loss of the terminal too, but there is nobody to tell."""

    def stop(number: int, _frame: FrameType | None) -> None:
        _ignore_signals()
        if number == signal.SIGHUP:
            screen.mute()
        raise StoppedError

    for number in SIGNALS:
        signal.signal(number, stop)


def _ignore_signals() -> None:
    """A second Ctrl-C must not leave machines behind."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _stopped(chain: Chain) -> str:
    chain.stop()
    return "no container, process, mount or network is left"


def _bring_up(chain: Chain, screen: Screen) -> None:
    screen.step("Programs", chain.prepare, chain.log_of("prepare"))
    screen.step("Local cloud", chain.start_cloud)
    screen.step("Images", chain.build_images, chain.log_of("images"))
    screen.step("Control plane", chain.start_cluster)
    screen.step("Operator", chain.start_operator)
    screen.step("kubectl apply Fleet", chain.apply_fleet)
    _follow(chain, screen, "fleet", "demo")
    chain.apply_tenant(TENANT)
    screen.say(f"kubectl apply tenant/{TENANT}")
    _follow(chain, screen, "tenant", TENANT)
    if chain.options.backend == "container":
        _first_answer(chain, screen)
    else:
        screen.say(SIMULATED)
    screen.say(_next(chain))


def _follow(chain: Chain, screen: Screen, kind: str, name: str) -> None:
    with screen.going_on(f"{kind}/{name}") as now:
        progress = Progress(screen, now)
        for item in chain.follow(kind, name):
            progress.show(item)
    screen.done(f"{kind}/{name} Ready", progress.total, "")


def _first_answer(chain: Chain, screen: Screen) -> None:
    tenant = chain.get("tenant", TENANT)
    email = tenant["spec"]["agent"]["adminEmail"]
    once = chain.secret(f"{TENANT}-secrets", "bootstrap_password")
    password = secrets.token_urlsafe(12)
    with Customer(chain.door(tenant)) as customer:
        customer.sign_in(email, once)
        customer.change_password(once, password)
        customer.upload(HANDBOOK.name, HANDBOOK.read_bytes())
        answer = customer.ask(QUESTION)
    _show(screen, answer)
    screen.say(_entrance(chain, tenant["status"]["url"], email, password))


def _show(screen: Screen, answer: Answer) -> None:
    sources = ", ".join(
        f"[{each['n']}] {each['document_name']} p. {each['page']}" for each in answer.citations
    )
    screen.say(f"\n[bold]Asked through the public name:[/] {QUESTION}")
    screen.say(f"[bold]Answer:[/] {escape(answer.text)}")
    screen.say(f"[bold]Sources:[/] {escape(sources)}")


def _entrance(chain: Chain, url: str, email: str, password: str) -> str:
    port = chain.endpoints["edge"].rpartition(":")[2]
    here = f"{getpass.getuser()}@{socket.gethostname()}"
    return f"""
[bold]Open[/]      {url}
[bold]Sign in[/]   {email}  /  {password}
[bold]Trust[/]     the demo's CA, under "authorities" in the browser's certificates, or with curl:
          curl --cacert {chain.ca_bundle} --connect-to ::127.0.0.1:{port} {url}/readyz
[bold]Remote[/]    where the browser runs elsewhere: ssh -L {port}:127.0.0.1:{port} {here}"""


def _next(chain: Chain) -> str:
    kubectl = f"kubectl -n {objects.NAMESPACE}"
    seen = "reload the page" if chain.options.backend == "container" else "another release goes out"
    return f"""
[bold]Try next[/]  in another terminal{_environment(chain)}
  {kubectl} get tenants -o wide
  {kubectl} edit tenant {TENANT}      # change branding.name, {seen}
  {kubectl} delete tenant {TENANT}    # nothing is left of it"""


def _environment(chain: Chain) -> str:
    """What another terminal must be told to reach the demo's cluster."""
    lines = []
    program = binaries.find("kubectl")
    if program.is_relative_to(binaries.cache_folder()):
        lines.append(f"  export PATH={program.parent}:$PATH")
    if chain.plane is not None:
        lines.append(f"  export KUBECONFIG={chain.plane.kubeconfig}")
    return "".join(f"\n{line}" for line in lines)
