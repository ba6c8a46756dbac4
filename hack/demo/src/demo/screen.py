"""Live steps on a terminal, plain lines elsewhere."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from demo.chain import Document, conditions
from demo.process import last_line

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks the demo to stop."""
QUIET = ("Ready", "Reconciling", "Stalled")


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold signals back: one that came while a thread starts would break that thread's start."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@dataclass
class Now:
    """What is going on, with the seconds since it began; the spinner draws it again and again.

    Without a `detail` it shows what was last written to `log`.
    """

    title: str
    detail: str = ""
    log: Path | None = None
    started: float = field(default_factory=time.monotonic)

    def __rich__(self) -> Text:
        seconds = time.monotonic() - self.started
        detail = self.detail or (last_line(self.log) if self.log else "")
        parts = f"{self.title:<22} ", (f"{seconds:4.0f} s    ", "dim"), detail
        return Text.assemble(*parts, overflow="ellipsis", no_wrap=True)


@dataclass
class Screen:
    """Says what happens and how long it took."""

    console: Console = field(default_factory=lambda: Console(highlight=False))
    took: dict[str, float] = field(default_factory=dict)

    def step(self, title: str, work: Callable[[], str], log: Path | None = None) -> None:
        """Run one step under a spinner and leave a line with its time; `log` is shown meanwhile."""
        started = time.monotonic()
        with self.going_on(title, log):
            detail = work()
        self.done(title, time.monotonic() - started, detail)

    @contextmanager
    def going_on(self, title: str, log: Path | None = None) -> Iterator[Now]:
        """Show a spinner as long as the block lasts; what it tells can change meanwhile."""
        now = Now(title, log=log)
        status = self.console.status(now)
        with _undisturbed():
            status.start()
        try:
            yield now
        finally:
            status.stop()

    def done(self, title: str, seconds: float, detail: str) -> None:
        """One finished step."""
        self.took[title.strip()] = seconds
        self.console.print(
            f"[green]✓[/] {title:<22} [dim]{seconds:6.1f} s[/]  {escape(detail)}", soft_wrap=True
        )

    def mute(self) -> None:
        """Write to nobody from now on."""
        self.console.quiet = True

    def say(self, text: str = "") -> None:
        """A paragraph; may hold markup."""
        self.console.print(text, soft_wrap=True)


@dataclass
class Progress:
    """The conditions of one object as steps, each with the time since the one before."""

    screen: Screen
    now: Now
    started: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)
    seen: set[str] = field(default_factory=set)

    def show(self, item: Document) -> None:
        """Print the steps that became true; on a stall, why and what helps."""
        found = conditions(item)
        if found.get("Stalled", ("", "", ""))[0] == "True":
            _, reason, message = found["Stalled"]
            self.screen.say(f"[yellow]![/] {reason}: {escape(message)}")
        steps = {kind: state for kind, state in found.items() if kind not in QUIET}
        for kind, (status, _, message) in steps.items():
            if status == "True" and kind not in self.seen:
                self._reached(kind, message)
        self._point_to(steps)

    def _reached(self, kind: str, message: str) -> None:
        self.seen.add(kind)
        now = time.monotonic()
        self.screen.done(f"  {kind}", now - self.last, message)
        self.last = now

    def _point_to(self, steps: dict[str, tuple[str, str, str]]) -> None:
        """Tell what the object is at: its first step that is not done."""
        for kind, (status, _, message) in steps.items():
            if status == "False":
                self.now.title, self.now.detail = f"  {kind}", message
                self.now.started = self.last
                return

    @property
    def total(self) -> float:
        """Seconds since the object was applied."""
        return time.monotonic() - self.started
