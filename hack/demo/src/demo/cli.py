"""`demo up|down|agent`: what `make demo` runs."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from controlplane.binaries import BuildError
from controlplane.cluster import StartError
from rich.markup import escape

from demo import objects
from demo.chain import Chain, Options, clean
from demo.customer import Answer, Customer, RefusedError
from demo.process import ChildError
from demo.screen import Progress, Screen

QUESTION = "Bis wann muss ich Belege nach einer Dienstreise einreichen?"
HANDBOOK = objects.SAMPLES / "documents" / "handbuch.pdf"
TENANT = "acme"


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
    down = commands.add_parser("down", help="remove what a demo made, also after a crash")
    down.set_defaults(action=_down)
    for command in (up, down):
        command.add_argument("--dir", type=Path, default=Path(".run/demo"))
    return parser


def _down(options: argparse.Namespace) -> int:
    clean(options.dir.resolve())
    Screen().say("Nothing of the demo is left.")
    return 0


def _up(options: argparse.Namespace) -> int:
    screen, folder = Screen(), options.dir.resolve()
    clean(folder)
    chain = Chain(Options(folder, cluster=options.cluster))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        _bring_up(chain, screen)
        if not options.once:
            screen.say("\nCtrl-C stops the demo and removes everything it made.")
            threading.Event().wait()
    except StoppedError:
        screen.say()
    except (ChildError, RefusedError, BuildError, StartError) as error:
        screen.say(f"[red]✗[/] {escape(str(error))}\nlogs: {chain.logs}")
        return 1
    finally:
        _ignore_signals()
        screen.step("Stopping", lambda: _stopped(chain))
    return 0


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise StoppedError


def _ignore_signals() -> None:
    """A second Ctrl-C must not leave machines behind."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _stopped(chain: Chain) -> str:
    chain.stop()
    return "no container, process, mount or network is left"


def _bring_up(chain: Chain, screen: Screen) -> None:
    screen.step("Local cloud", chain.start_cloud)
    screen.step("Images", chain.build_images)
    screen.step("Control plane", chain.start_cluster)
    screen.step("Operator", chain.start_operator)
    screen.step("kubectl apply Fleet", chain.apply_fleet)
    _follow(chain, screen, "fleet", "demo")
    chain.apply_tenant(TENANT)
    screen.say(f"kubectl apply tenant/{TENANT}")
    _follow(chain, screen, "tenant", TENANT)
    _first_answer(chain, screen)


def _follow(chain: Chain, screen: Screen, kind: str, name: str) -> None:
    progress = Progress(screen)
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
    screen.say(_directions(chain, tenant["status"]["url"], email, password))


def _show(screen: Screen, answer: Answer) -> None:
    sources = ", ".join(
        f"[{each['n']}] {each['document_name']} p. {each['page']}" for each in answer.citations
    )
    screen.say(f"\n[bold]Asked through the public name:[/] {QUESTION}")
    screen.say(f"[bold]Answer:[/] {escape(answer.text)}")
    screen.say(f"[bold]Sources:[/] {escape(sources)}")


def _directions(chain: Chain, url: str, email: str, password: str) -> str:
    port = chain.endpoints["edge"].rpartition(":")[2]
    kubeconfig = "" if chain.plane is None else f"export KUBECONFIG={chain.plane.kubeconfig}\n  "
    return f"""
[bold]Open[/]      {url}
[bold]Sign in[/]   {email}  /  {password}
[bold]Trust[/]     the demo's CA: {chain.ca_bundle}
          browser: import it under certificates → authorities; or
          curl --cacert {chain.ca_bundle} --connect-to ::127.0.0.1:{port} {url}/readyz
[bold]Remote[/]    ssh -L {port}:127.0.0.1:{port} <this machine>, then open the same address

[bold]Try next[/]
  {kubeconfig}kubectl -n {objects.NAMESPACE} get tenants -o wide
  kubectl -n {objects.NAMESPACE} edit tenant {TENANT}      (change branding.name, reload the page)
  kubectl -n {objects.NAMESPACE} delete tenant {TENANT}    (nothing is left of it)"""
