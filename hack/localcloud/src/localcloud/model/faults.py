"""Faults to serve instead of, or on the way to, an answer; each a limited number of times."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from localcloud.model.errors import ApiError, quota

Kind = Literal[
    "error",  # answer `code` at once
    "delay",  # wait `seconds`, then go on
    "drop",  # close the connection without an answer
    "commit_then_drop",  # do the work, then close the connection without an answer
    "cut_stream",  # close the connection after `after_chunks` pieces
    "error_in_stream",  # after `after_chunks` pieces send the error as an event
    "block_prompt",  # no candidate, `promptFeedback.blockReason`
    "finish",  # end with `finish_reason` after `after_chunks` pieces
    "empty",  # a candidate without content
    "garbled",  # a body that is not JSON
]


class Fault(BaseModel):
    """One entry of the list."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    path: str = ".*"
    """Regular expression searched in the path, such as `streamGenerateContent`."""
    method: str = ".*"
    times: int = Field(default=1, ge=0)
    """How often it strikes; 0 means until removed."""
    code: int = Field(default=503, ge=400, le=599)
    status: str = ""
    """Instead of the code's usual one, such as FAILED_PRECONDITION for 400."""
    message: str = ""
    retry_seconds: float = Field(default=0, ge=0)
    """With code 429: the delay in `RetryInfo`."""
    seconds: float = Field(default=0, ge=0)
    after_chunks: int = Field(default=1, ge=0)
    finish_reason: str = "SAFETY"

    def error(self) -> ApiError:
        """The refusal of the kinds that refuse."""
        if self.code == 429:
            return quota(self.retry_seconds)
        return ApiError(self.code, self.message, status=self.status)


class FaultList:
    """The faults in order; the first that fits strikes."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Append one."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Remove all."""
        self._faults.clear()

    def documents(self) -> list[dict[str, object]]:
        """What is left, for people."""
        return [fault.model_dump() for fault in self._faults]

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault for this request, counted down."""
        for fault in self._faults:
            if re.fullmatch(fault.method, method, re.IGNORECASE) and re.search(fault.path, path):
                self._count_down(fault)
                return fault
        return None

    def _count_down(self, fault: Fault) -> None:
        if fault.times == 1:
            self._faults.remove(fault)
        elif fault.times:
            fault.times -= 1
