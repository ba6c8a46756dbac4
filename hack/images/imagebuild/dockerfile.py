"""Reads from the Dockerfile which files of the checkout an image is made of.

Understands what this repository's Dockerfile uses: named stages, build arguments with defaults in
stage names, and COPY without wildcards. The answer is the cache key's list of ingredients, so it
is read from the one source instead of being kept beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from string import Template

_CONTINUED = re.compile(r"\\\n\s*")


@dataclass
class Stage:
    """One stage: the stages it takes from, and the paths it copies from the checkout."""

    sources: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


def inputs(text: str, target: str, arguments: Mapping[str, str]) -> list[str]:
    """Paths of the checkout that end in the image `target`, sorted.

    `arguments` override the defaults of the build arguments that appear in stage names.
    """
    stages = parse(text, arguments)
    needed = _reachable(stages, target)
    return sorted({path for name in needed for path in stages[name].paths})


def parse(text: str, arguments: Mapping[str, str]) -> dict[str, Stage]:
    """All named stages in order."""
    known = dict(arguments)
    stages: dict[str, Stage] = {}
    current = Stage()
    for word, rest in _instructions(text):
        if word == "ARG" and not stages:
            name, _, default = rest.partition("=")
            known.setdefault(name, default)
        elif word == "FROM":
            source, _, name = Template(rest).safe_substitute(known).partition(" AS ")
            current = stages.setdefault(name.strip(), Stage(sources=[source.strip()]))
        elif word == "COPY":
            _copy(current, rest.split())
    return stages


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in _CONTINUED.sub(" ", "\n".join(lines)).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word:
            yield word.upper(), rest.strip()


def _copy(stage: Stage, words: list[str]) -> None:
    flags = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    plain = [word for word in words if not word.startswith("--")]
    if "from" in flags:
        stage.sources.append(flags["from"])
    else:
        stage.paths.extend(path.rstrip("/") for path in plain[:-1])


def _reachable(stages: Mapping[str, Stage], target: str) -> set[str]:
    found: set[str] = set()
    waiting = [target]
    while waiting:
        name = waiting.pop()
        if name in stages and name not in found:
            found.add(name)
            waiting.extend(stages[name].sources)
    return found
