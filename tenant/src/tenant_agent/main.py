"""The entry point `tenant-agent`: serve, worker, migrate, healthcheck, healthcheck-worker.

Each command imports only what it needs: health checks run every few seconds on a small machine
and cost no more than a Python start.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence

DATABASE_WAIT_SECONDS = 120.0


def serve() -> int:
    """Serve HTTP until told to stop; open streams get some time to end."""
    from tenant_agent.compose import open_services
    from tenant_agent.logs import configured_settings
    from tenant_agent.web.app import create_app
    from tenant_agent.web.server import run_server

    settings = configured_settings()
    run_server(create_app(settings, open_services), settings)
    return 0


def work() -> int:
    """Run jobs until told to stop."""
    import uvloop

    from tenant_agent.compose import open_services
    from tenant_agent.jobs.worker import JobWorker
    from tenant_agent.logs import configured_settings

    settings = configured_settings()

    async def main() -> None:
        async with open_services(settings) as services:
            await JobWorker(services).run()

    uvloop.run(main())
    return 0


def migrate() -> int:
    """Bring the schema up to date and make the first administrator."""
    import asyncio

    from tenant_agent.logs import configured_settings
    from tenant_agent.prepare import prepare

    made = asyncio.run(prepare(configured_settings(), DATABASE_WAIT_SECONDS))
    print(made)  # noqa: T201 - the command's result
    return 0


def healthcheck() -> int:
    """Exit 0 when this container's web process is ready.

    Asked over a bare socket: loading Python's HTTP client takes longer than everything else here.
    """
    import socket

    here = ("127.0.0.1", int(os.environ.get("AGENT_LISTEN_PORT", "8000")))
    request = f"GET /readyz HTTP/1.0\r\nHost: {here[0]}:{here[1]}\r\n\r\n".encode()
    try:
        with socket.create_connection(here, timeout=4) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as answer:
                status = answer.readline(64).split()[1:2]
    except OSError:
        return 1
    return 0 if status == [b"200"] else 1


def healthcheck_worker() -> int:
    """Exit 0 when this container's worker did its round lately."""
    import time

    from tenant_agent.jobs.alive import is_alive

    return 0 if is_alive(time.time()) else 1


COMMANDS: dict[str, Callable[[], int]] = {
    "serve": serve,
    "worker": work,
    "migrate": migrate,
    "healthcheck": healthcheck,
    "healthcheck-worker": healthcheck_worker,
}


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command named on the command line and exit with its code."""
    parser = argparse.ArgumentParser(prog="tenant-agent")
    parser.add_argument("command", choices=sorted(COMMANDS))
    command = parser.parse_args(arguments).command
    sys.exit(COMMANDS[command]())


if __name__ == "__main__":
    run()
