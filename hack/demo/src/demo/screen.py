"""Live steps on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape

from demo.chain import Document, conditions

QUIET = ("Ready", "Reconciling", "Stalled")


@dataclass
class Screen:
    """Says what happens and how long it took."""

    console: Console = field(default_factory=lambda: Console(highlight=False))

    def step(self, title: str, work: Callable[[], str]) -> None:
        """Run one step under a spinner and leave a line with its time."""
        started = time.monotonic()
        with self.console.status(f"{title} …"):
            detail = work()
        self.done(title, time.monotonic() - started, detail)

    def done(self, title: str, seconds: float, detail: str) -> None:
        """One finished step."""
        self.console.print(
            f"[green]✓[/] {title:<22} [dim]{seconds:6.1f} s[/]  {escape(detail)}", soft_wrap=True
        )

    def say(self, text: str = "") -> None:
        """A paragraph; may hold markup."""
        self.console.print(text, soft_wrap=True)


@dataclass
class Progress:
    """The conditions of one object as steps, each with the time since the one before."""

    screen: Screen
    started: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)
    seen: set[str] = field(default_factory=set)
    times: dict[str, float] = field(default_factory=dict)

    def show(self, item: Document) -> None:
        """Print the steps that became true; on a stall, why and what helps."""
        for kind, (status, reason, message) in conditions(item).items():
            if kind == "Stalled" and status == "True":
                self.screen.say(f"[yellow]![/] {reason}: {escape(message)}")
            if status != "True" or kind in QUIET or kind in self.seen:
                continue
            self.seen.add(kind)
            now = time.monotonic()
            self.times[kind] = now - self.last
            self.screen.done(f"  {kind}", now - self.last, message)
            self.last = now

    @property
    def total(self) -> float:
        """Seconds since the object was applied."""
        return time.monotonic() - self.started
