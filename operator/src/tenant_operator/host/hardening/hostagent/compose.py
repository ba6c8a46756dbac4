"""Docker Compose for the one project of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .failures import JobError, brief, classify
from .process import Ended, run

LABEL = "com.docker.compose.config-hash"
HEALTH_SECONDS = 240


class Project:
    """The Compose project of one release."""

    def __init__(self, file: Path) -> None:
        project = ["--project-name", "tenant", "--file", str(file)]
        # Both slots are known to every command; `up` is only ever given the services to start.
        self._base = ["docker", "compose", *project, "--profile", "blue", "--profile", "green"]

    def call(self, *argv: str, limit: float = 120) -> Ended:
        """Run a Compose command."""
        return run([*self._base, *argv], limit=limit)

    def up(self, services: Sequence[str], *, wait: bool = True) -> None:
        """Start services that differ or do not run, and wait until they are healthy.

        Raises:
            JobError: unhealthy, with the service and its last words; or what Docker's text says.
        """
        waiting = ["--wait", "--wait-timeout", str(HEALTH_SECONDS)] if wait else []
        argv = ["up", "--detach", "--no-deps", "--pull", "never", *waiting, *services]
        ended = self.call(*argv, limit=HEALTH_SECONDS + 60)
        if not ended.ok:
            failure = classify(ended.err, otherwise="unhealthy")
            raise JobError(failure, f"{' and '.join(services)}: {self.cause(services, ended)}")

    def cause(self, services: Sequence[str], ended: Ended) -> str:
        """Compose's complaint and the services' own last lines, which usually say why."""
        logs = self.call("logs", "--no-color", "--tail", "8", *services)
        return f"{brief(ended.err, limit=250)} · last log lines: {brief(logs.out, limit=600)}"

    def migrate(self, color: str) -> None:
        """Run the migrations of that slot's image; they only add, so the live slot goes on."""
        argv = ("run", "--rm", "--no-deps", "--no-TTY", f"agent-{color}", "migrate")
        ended = self.call(*argv, limit=600)
        if not ended.ok:
            text = brief(ended.err or ended.out)
            raise JobError(classify(text, otherwise="unhealthy"), f"migration failed: {text}")

    def is_current(self, service: str) -> bool:
        """Whether the running container has exactly this definition."""
        wanted = self.call("config", "--hash", service).out.split()[-1:]
        running = self.call("ps", "--quiet", service).out.split()
        if not running or not wanted:
            return False
        asked = run(
            ["docker", "inspect", f'--format={{{{index .Config.Labels "{LABEL}"}}}}', *running]
        )
        return asked.out.split() == wanted

    def remove(self, service: str) -> None:
        """Stop a service (its grace period holds) and remove its container."""
        self.call("rm", "--stop", "--force", service)

    def down(self) -> None:
        """Stop and remove everything of the project, both slots included."""
        self.call("down", "--remove-orphans", limit=180)
