"""Every operation and every effect, from all families."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.hetzner import (
    console,
    firewalls,
    floating_ips,
    images,
    metrics,
    networks,
    placement_groups,
    primary_ips,
    replies,
    rrsets,
    server_create,
    server_disks,
    server_networks,
    server_power,
    server_settings,
    servers,
    ssh_keys,
    static,
    unimplemented,
    volumes,
    zone_store,
    zones,
)
from localcloud.hetzner.actions import Effect
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.routing import Route

ROUTES: list[Route] = [
    *replies.ROUTES,
    *static.ROUTES,
    *ssh_keys.ROUTES,
    *placement_groups.ROUTES,
    *images.ROUTES,
    *volumes.ROUTES,
    *firewalls.ROUTES,
    *networks.ROUTES,
    *primary_ips.ROUTES,
    *floating_ips.ROUTES,
    *servers.ROUTES,
    *server_create.ROUTES,
    *server_power.ROUTES,
    *server_disks.ROUTES,
    *server_networks.ROUTES,
    *server_settings.ROUTES,
    *metrics.ROUTES,
    *console.ROUTES,
    *zones.ROUTES,
    *rrsets.ROUTES,
    *unimplemented.ROUTES,
]

EFFECTS: Mapping[str, Effect[Cloud]] = {
    **images.EFFECTS,
    **volumes.EFFECTS,
    **firewalls.EFFECTS,
    **networks.EFFECTS,
    **primary_ips.EFFECTS,
    **floating_ips.EFFECTS,
    **servers.EFFECTS,
    **server_create.EFFECTS,
    **server_power.EFFECTS,
    **server_disks.EFFECTS,
    **server_networks.EFFECTS,
    **server_settings.EFFECTS,
    **console.EFFECTS,
    **zone_store.EFFECTS,
}
