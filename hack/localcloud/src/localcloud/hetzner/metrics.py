"""Metrics of servers: rates between the counters that a machine's back end has noted.

Names, units and the numbers of samples are those of Hetzner's document. A hundred percent of `cpu`
is one core. Where nothing was noted (the machine was off, or the moment is to come) the series has
no sample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from localcloud.hetzner import servers
from localcloud.hetzner.errors import invalid
from localcloud.hetzner.listing import Query, first
from localcloud.hetzner.routing import Call, Reply, Route
from localcloud.machines.port import Usage

USUAL_SAMPLES, MOST_SAMPLES = 200, 500
LONGEST_STEP = 30 * 24 * 3600
"""Seconds in the thirty days for which there are metrics; more is no step."""

YEARS = range(1970, 9999)
PERCENT = 100.0
SERIES = {
    "cpu": {"cpu": "cpu_seconds"},
    "disk": {
        "disk.0.iops.read": "disk_reads",
        "disk.0.iops.write": "disk_writes",
        "disk.0.bandwidth.read": "disk_bytes_read",
        "disk.0.bandwidth.write": "disk_bytes_written",
    },
    "network": {
        "network.0.pps.in": "packets_in",
        "network.0.pps.out": "packets_out",
        "network.0.bandwidth.in": "bytes_in",
        "network.0.bandwidth.out": "bytes_out",
    },
}


def _types(query: Query) -> list[str]:
    """The kinds asked for: one parameter for each, or one with commas."""
    asked = [kind for text in query.get("type") or () for kind in text.split(",") if kind]
    unknown = sorted(set(asked) - set(SERIES))
    if unknown or not asked:
        raise invalid("type", f"must be one or more of {', '.join(SERIES)}")
    return list(dict.fromkeys(asked))


def _moment(query: Query, name: str) -> datetime:
    text = first(query, name)
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        moment = datetime.min.replace(tzinfo=UTC)
    if moment.tzinfo is None or moment.year not in YEARS:
        raise invalid(name, "must be a moment in RFC 3339 format, with its time zone")
    return moment.astimezone(UTC)


def step_of(asked: str | None, span: float) -> int:
    """Seconds between samples: as asked, as far as that gives no more than are allowed."""
    if asked is None:
        return max(1, math.ceil(span / USUAL_SAMPLES))
    try:
        wanted = float(asked)
    except ValueError:
        wanted = math.nan
    if not 0 < wanted <= LONGEST_STEP:
        raise invalid("step", f"must be a number of seconds above 0, and of at most {LONGEST_STEP}")
    return max(1, math.ceil(wanted), math.ceil(span / (MOST_SAMPLES - 1)))


def rates(
    moments: Sequence[datetime], counters: Sequence[Usage | None], field: str
) -> Iterator[list[Any]]:
    """Moment and rate since the moment before; a counter that fell was begun anew."""
    scale = PERCENT if field == "cpu_seconds" else 1.0
    known = zip(moments, counters, strict=True)
    earlier, before = next(known)
    for moment, counter in known:
        if before is not None and counter is not None:
            gained = getattr(counter, field) - getattr(before, field)
            rate = scale * gained / (moment - earlier).total_seconds()
            if rate >= 0:
                yield [moment.timestamp(), f"{rate:.4f}"]
        earlier, before = moment, counter


def _metrics(call: Call) -> Reply:
    server, kinds = servers.own(call), _types(call.query)
    start, end = _moment(call.query, "start"), _moment(call.query, "end")
    if end < start:
        raise invalid("end", "must not be before start")
    step = step_of(first(call.query, "step"), (end - start).total_seconds())
    count = int((end - start).total_seconds() // step)
    moments = [start + timedelta(seconds=step * number) for number in range(-1, count + 1)]
    counters = call.cloud.machines.usage(server.id, moments)
    series = {
        name: {"values": list(rates(moments, counters, field))}
        for kind in kinds
        for name, field in SERIES[kind].items()
    }
    span = {"start": start.isoformat(), "end": end.isoformat(), "step": step}
    return Reply(200, {"metrics": {**span, "time_series": series}})


ROUTES = [Route("GET", f"{servers.PATH}/{{id}}/metrics", _metrics)]
