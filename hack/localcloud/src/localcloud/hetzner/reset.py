"""Emptying a cloud between tests: everything that projects made is gone, tokens stay."""

from __future__ import annotations

from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.limits import DEFAULT_LIMITS
from localcloud.hetzner.zone_store import PROVIDER


async def reset(cloud: Cloud) -> None:
    """Remove all resources with their machines, disks and images, and every action."""
    await cloud.engine.close()
    await _remove_machines(cloud)
    with cloud.state.rows.together():
        _empty(cloud)
    cloud.limits.clear()
    cloud.limits.update(DEFAULT_LIMITS)
    cloud.sold_out.clear()
    cloud.no_volume_space.clear()


async def _remove_machines(cloud: Cloud) -> None:
    for volume in cloud.state.volumes:
        if volume.server is not None:
            await cloud.machines.detach_volume(volume.id, volume.server)
    for server in cloud.state.servers:
        await cloud.machines.delete(server.id)
        cloud.enforcement.server_gone(server.id)
    for volume in cloud.state.volumes:
        await cloud.machines.delete_volume(volume.id)
    for image in cloud.state.images:
        await cloud.machines.delete_image(image.id)


def _empty(cloud: Cloud) -> None:
    for address in (*cloud.state.primary_ips, *cloud.state.floating_ips):
        cloud.pool.release(address.ip)
    for firewall in cloud.state.firewalls:
        cloud.enforcement.firewall_gone(firewall.id)
    for table in cloud.state.tables():
        table.clear()
    for zone in cloud.records.zones(PROVIDER):
        cloud.records.delete_zone(zone.key)
