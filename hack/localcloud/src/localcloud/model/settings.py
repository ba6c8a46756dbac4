"""What can be set: keys, models, mode, pace, limits. Everything here can change over `/_admin`."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["truthful", "obedient", "hallucinating"]


class Pace(BaseModel):
    """How fast a stream flows. A rate of 0 means: as fast as the wire takes it."""

    model_config = ConfigDict(extra="forbid")

    first_token_ms: int = Field(default=0, ge=0, le=600_000)
    tokens_per_second: float = Field(default=0, ge=0)
    chunk_tokens: int = Field(default=8, ge=1, le=4096)


class ModelSettings(BaseModel):
    """Start values of the model server."""

    model_config = ConfigDict(extra="forbid")

    keys: list[str] = Field(default_factory=list)
    """API keys that are accepted; none listed means that any key is."""
    revoked_keys: list[str] = Field(default_factory=list)
    admin: bool = True
    """Whether this listener serves `/_admin`; off where machines of tenants can reach it."""
    mode: Mode = "truthful"
    pace: Pace = Field(default_factory=Pace)
    thoughts_tokens: int = Field(default=24, ge=0)
    """Tokens a thinking model spends before it answers, unless the request's budget is less."""
    cache_minimum_tokens: int = Field(default=1024, ge=1)
    """A prefix seen before counts as cached from this size on."""
    requests_per_minute: int = Field(default=0, ge=0)
    """Per key and model; 0 means without limit."""
    blocked_phrases: list[str] = Field(default_factory=list)
    """A prompt that holds one is answered with `promptFeedback.blockReason`."""


_SUFFIX = re.compile(
    r"-(?:(?P<mode>truthful|obedient|hallucinating)|ttft(?P<ttft>\d+)|rate(?P<rate>\d+)"
    r"|chunk(?P<chunk>\d+))$"
)


class Variant(BaseModel):
    """A requested model name taken apart: `<base>[-<mode>][-ttft<ms>][-rate<n>][-chunk<n>]`."""

    base: str
    mode: Mode
    pace: Pace


def read_variant(name: str, settings: ModelSettings) -> Variant:
    """Split the suffixes off a model name; what they do not say comes from the settings."""
    mode, pace = settings.mode, settings.pace.model_copy()
    while match := _SUFFIX.search(name):
        name = name[: match.start()]
        if match["mode"]:
            mode = match["mode"]  # type: ignore[assignment]
        elif match["ttft"]:
            pace.first_token_ms = int(match["ttft"])
        elif match["rate"]:
            pace.tokens_per_second = float(match["rate"])
        else:
            pace.chunk_tokens = max(1, int(match["chunk"]))
    return Variant(base=name, mode=mode, pace=pace)
