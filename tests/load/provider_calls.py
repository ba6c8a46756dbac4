"""Requests to the cloud's API: counted where they arrive, with the operator's word on which swept.

The stand-in counts every request on the wire. The operator's metrics say which of its requests
belong to the shared inventory (purpose `sweep`), which is paid once per fleet and not per tenant.
Up to 50 objects per page, a sweep's call is one request.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from localcloud.administration import Administration, origin_of

_SAMPLE = re.compile(r"^operator_provider_calls_total\{(?P<labels>.*)\} (?P<value>\S+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Count:
    """How many requests there were so far, by operation."""

    wire: Counter[str]
    swept: Counter[str]

    def since(self, before: Count) -> Count:
        """What came after an earlier count."""
        return Count(self.wire - before.wire, self.swept - before.swept)

    @property
    def total(self) -> int:
        """Every request."""
        return self.wire.total()

    @property
    def work(self) -> int:
        """Requests that were no part of a sweep."""
        return self.total - self.swept.total()


def wire_counts(answer: Mapping[str, Any]) -> Counter[str]:
    """The stand-in's rows as `METHOD path` → count."""
    found: Counter[str] = Counter()
    for row in answer["requests"]:
        found[f"{row['method']} {row['path']}"] += row["count"]
    return found


def sweep_counts(metrics: str) -> Counter[str]:
    """Operation → requests with purpose `sweep`, from the operator's metrics."""
    found: Counter[str] = Counter()
    for line in metrics.splitlines():
        sample = _SAMPLE.match(line)
        if sample is None:
            continue
        labels = dict(_LABEL.findall(sample["labels"]))
        if labels["purpose"] == "sweep":
            found[labels["operation"]] += int(float(sample["value"]))
    return found


def count(hetzner: str, metrics: str) -> Count:
    """Ask both: the stand-in at its API's URL, the operator at its metrics' URL."""
    rows = Administration(origin_of(hetzner)).ask("GET", "requests")
    return Count(wire_counts(rows), sweep_counts(httpx.get(metrics).raise_for_status().text))
