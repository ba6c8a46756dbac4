"""What a simulated machine has used: waves over the day around a mean, a little other for each.

A closed form of the time since the machine was switched on, so ten thousand machines cost nothing
until somebody asks, and every look at the same moment sees the same.
"""

from __future__ import annotations

import math
from dataclasses import fields

from localcloud.machines.port import Usage

DAY = 86400.0
SWING = 0.5
MEAN = Usage(
    cpu_seconds=0.06,
    disk_reads=0.8,
    disk_writes=6.0,
    disk_bytes_read=24_000.0,
    disk_bytes_written=70_000.0,
    packets_in=18.0,
    packets_out=16.0,
    bytes_in=9_000.0,
    bytes_out=31_000.0,
)
"""Per second, as a quiet web server has them."""


def used(server_id: int, seconds: float) -> Usage:
    """Counters of a machine that has been on for so long."""
    weight = 0.5 + (server_id * 37 % 100) / 100
    phase = server_id * 61 % 100 / 100
    passed = weight * _passed(seconds, phase * DAY)
    return Usage(**{item.name: passed * getattr(MEAN, item.name) for item in fields(Usage)})


def _passed(seconds: float, phase: float) -> float:
    """The integral of `1 + SWING * sin` over a day's wave: never falls."""
    turn = 2 * math.pi / DAY
    swung = (math.cos(turn * phase) - math.cos(turn * (phase + seconds))) / turn
    return seconds + SWING * swung
