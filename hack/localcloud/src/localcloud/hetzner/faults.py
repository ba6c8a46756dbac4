"""Faults that are done to requests on purpose, so that clients can be tested against them.

A fault names the requests it fits by method and path (`*` stands for anything, also for slashes;
the path is that below `/v1`), lets `skip` of them pass, and is used up after `times`.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from localcloud.hetzner.actions import STICKS

Kind = Literal[
    "delay",
    "error",
    "drop_before",
    "commit_then_drop",
    "action_fails",
    "action_sticks",
    "partial_page",
]


class Fault(BaseModel):
    """One entry of the list.

    `seconds` is how long `delay` waits, and `commit_then_drop` before it drops; `code`, `message`
    and `status` are those of `error` (the status is the code's own unless given) and of the error
    of `action_fails`; `keep` is how many entries a `partial_page` has left, and it claims that
    there are no more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    method: str = "*"
    path: str = "*"
    times: int | None = Field(default=1, ge=1)
    skip: int = Field(default=0, ge=0)
    seconds: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    code: str = Field(default="server_error", pattern="^[a-z0-9_]+$")
    message: str = "fault injected"
    status: int | None = Field(default=None, ge=400, le=599)
    keep: int = Field(default=0, ge=0)

    def fits(self, method: str, path: str) -> bool:
        """Whether the fault means that request."""
        fitting = re.fullmatch(fnmatch.translate(self.path), path)
        return fitting is not None and self.method in ("*", method)


@dataclass(frozen=True)
class Listed:
    """A fault in the list, with its number and what is left of it."""

    id: int
    fault: Fault
    hits: int = 0

    def view(self) -> dict[str, Any]:
        """As the admin interface shows it; `hits` counts the requests it met."""
        return {"id": self.id, **self.fault.model_dump(), "hits": self.hits}

    @property
    def spent(self) -> bool:
        """Whether it has been done as often as it should."""
        times = self.fault.times
        return times is not None and self.hits >= times + self.fault.skip


class FaultList:
    """The faults that wait for requests."""

    def __init__(self) -> None:
        self._listed: list[Listed] = []
        self._last = 0

    def add(self, fault: Fault) -> Listed:
        """Put a fault at the end of the list."""
        self._last += 1
        listed = Listed(self._last, fault)
        self._listed.append(listed)
        return listed

    def all(self) -> list[Listed]:
        """The faults that are not used up."""
        return [listed for listed in self._listed if not listed.spent]

    def remove(self, fault_id: int | None = None) -> None:
        """Take one fault off the list, or all of them."""
        self._listed = [x for x in self._listed if fault_id is not None and x.id != fault_id]

    def meet(self, method: str, path: str) -> list[Fault]:
        """The faults to do to a request now, of each kind the first that fits."""
        met: dict[str, Fault] = {}
        for number, listed in enumerate(self._listed):
            fault = listed.fault
            if listed.spent or fault.kind in met or not fault.fits(method, path):
                continue
            self._listed[number] = replace(listed, hits=listed.hits + 1)
            if listed.hits >= fault.skip:
                met[fault.kind] = fault
        return list(met.values())


def fate(faults: list[Fault]) -> str | None:
    """What becomes of the actions that the request begins."""
    for fault in faults:
        if fault.kind == "action_sticks":
            return STICKS
        if fault.kind == "action_fails":
            code = "action_failed" if fault.code == "server_error" else fault.code
            return f"{code}:{fault.message}"
    return None


def shortened(body: dict[str, Any], keep: int) -> dict[str, Any]:
    """A list answer that leaves entries out and does not say so; others stay as they are.

    Several actions asked for by id are a list too, though one without pages.
    """
    roots = [key for key in body if key != "meta"]
    root = roots[0]
    if len(roots) > 1 or not isinstance(body[root], list):
        return body
    kept = body[root][:keep]
    if "meta" not in body:
        return {root: kept}
    pagination = {
        **body["meta"]["pagination"],
        "next_page": None,
        "last_page": body["meta"]["pagination"]["page"],
        "total_entries": len(kept),
    }
    return {root: kept, "meta": {"pagination": pagination}}
