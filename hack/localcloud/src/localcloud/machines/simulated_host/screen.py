"""What the screen of a simulated machine shows: its boot, then the prompt."""

from __future__ import annotations

from datetime import datetime

from localcloud.machines.simulated_host.host import Host, Pace


def lines(host: Host, now: datetime, pace: Pace) -> tuple[str, ...]:
    """The lines from top to bottom; none while the machine is off."""
    if host.power != "running":
        return ()
    if not host.answers(now, pace):
        return ("Booting a simulated machine ...",)
    units = tuple(f"[  OK  ] {state:<8} {unit}" for unit, state in sorted(host.units.items()))
    return (*units, "", f"Debian GNU/Linux 13 {host.hostname} tty1", "", f"{host.hostname} login:")
