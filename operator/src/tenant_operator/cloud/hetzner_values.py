"""Hetzner's JSON as values of our own, and our specs as Hetzner's JSON. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tenant_operator.core.world import (
    ActionRef,
    Firewall,
    FirewallRule,
    FirewallSpec,
    Image,
    PrimaryIP,
    Server,
    ServerSpec,
    ServerType,
    SshKey,
    Volume,
    VolumeSpec,
)

Json = Mapping[str, Any]


def action(data: Json) -> ActionRef:
    """An action; its error object, where there is one, is flattened."""
    error = data.get("error") or {}
    return ActionRef(
        id=data["id"],
        command=data["command"],
        status=data["status"],
        progress=data.get("progress") or 0,
        error_code=error.get("code", ""),
        error_message=error.get("message", "")[:300],
    )


def actions(answer: Json) -> tuple[ActionRef, ...]:
    """Every action a create answer names, under whichever key."""
    first = [answer["action"]] if answer.get("action") else []
    more = [*(answer.get("actions") or []), *(answer.get("next_actions") or [])]
    return tuple(action(item) for item in (*first, *more))


def server(data: Json) -> Server:
    """A server with both addresses as hosts."""
    public = data.get("public_net") or {}
    v4, v6 = public.get("ipv4") or {}, public.get("ipv6") or {}
    return Server(
        id=data["id"],
        name=data["name"],
        status=data["status"],
        type=data["server_type"]["name"],
        location=data["location"]["name"],
        ipv4=v4.get("ip"),
        ipv6=first_host(v6.get("ip")),
        labels=dict(data["labels"]),
        locked=bool(data.get("locked")),
        protected=is_protected(data),
        volume_ids=tuple(data.get("volumes") or ()),
        primary_ip_ids=tuple(part["id"] for part in (v4, v6) if part.get("id")),
        image_id=(data.get("image") or {}).get("id"),
        disk_gib=data.get("primary_disk_size") or 0,
        created=moment(data.get("created")),
    )


def first_host(network: str | None) -> str | None:
    """The address a server uses of its IPv6 network: the first one."""
    if not network:
        return None
    return str(ipaddress.ip_network(network, strict=False).network_address + 1)


def volume(data: Json) -> Volume:
    """A volume and the server it hangs at."""
    return Volume(
        id=data["id"],
        name=data["name"],
        size_gib=data["size"],
        location=data["location"]["name"],
        status=data["status"],
        device=data["linux_device"],
        labels=dict(data["labels"]),
        server_id=data.get("server"),
        format=data.get("format"),
        protected=is_protected(data),
        created=moment(data.get("created")),
    )


def primary_ip(data: Json) -> PrimaryIP:
    """An address; only an assignee of type server counts."""
    return PrimaryIP(
        id=data["id"],
        name=data["name"],
        ip=data["ip"],
        location=data["location"]["name"],
        labels=dict(data["labels"]),
        server_id=data.get("assignee_id") if data.get("assignee_type") == "server" else None,
        auto_delete=bool(data.get("auto_delete")),
        protected=is_protected(data),
    )


def firewall(data: Json) -> Firewall:
    """A firewall; outbound rules are not ours to know and are left out."""
    targets = [item.get("label_selector") for item in data.get("applied_to") or []]
    return Firewall(
        id=data["id"],
        name=data["name"],
        rules=tuple(rule(item) for item in data["rules"] if item["direction"] == "in"),
        selectors=tuple(target["selector"] for target in targets if target),
        labels=dict(data["labels"]),
    )


def rule(data: Json) -> FirewallRule:
    """One inbound rule."""
    return FirewallRule(
        protocol=data["protocol"],
        port=data.get("port"),
        sources=tuple(data.get("source_ips") or ()),
        description=data.get("description") or "",
    )


def ssh_key(data: Json) -> SshKey:
    """A public key."""
    return SshKey(
        id=data["id"],
        name=data["name"],
        fingerprint=data["fingerprint"],
        labels=dict(data["labels"]),
    )


def image(data: Json) -> Image:
    """A system image or snapshot."""
    return Image(
        id=data["id"],
        name=data.get("name"),
        type=data["type"],
        status=data["status"],
        architecture=data["architecture"],
        disk_gib=int(data["disk_size"]),
        labels=dict(data["labels"]),
        protected=is_protected(data),
        created=moment(data.get("created")),
    )


def server_type(data: Json) -> ServerType:
    """A kind of server; without word on stock a location counts as having some."""
    return ServerType(
        name=data["name"],
        cores=data["cores"],
        memory_gib=float(data["memory"]),
        disk_gib=int(data["disk"]),
        architecture=data["architecture"],
        offers={place["name"]: bool(place.get("available", True)) for place in data["locations"]},
        deprecated=bool(data.get("deprecation")),
    )


def is_protected(data: Json) -> bool:
    """Hetzner's own delete protection."""
    return bool((data.get("protection") or {}).get("delete"))


def moment(text: str | None) -> datetime | None:
    """An RFC 3339 time."""
    return datetime.fromisoformat(text) if text else None


def server_body(spec: ServerSpec) -> dict[str, Any]:
    """`POST /servers`."""
    public: dict[str, Any] = {"enable_ipv4": True, "enable_ipv6": spec.enable_ipv6}
    if spec.primary_ipv4_id is not None:
        public["ipv4"] = spec.primary_ipv4_id
    return {
        "name": spec.name,
        "server_type": spec.type,
        "location": spec.location,
        "image": spec.image,
        "labels": dict(spec.labels),
        "user_data": spec.user_data,
        "volumes": list(spec.volume_ids),
        "automount": False,
        "ssh_keys": list(spec.ssh_key_ids),
        "firewalls": [{"firewall": firewall_id} for firewall_id in spec.firewall_ids],
        "public_net": public,
        "start_after_create": True,
    }


def volume_body(spec: VolumeSpec) -> dict[str, Any]:
    """`POST /volumes`; `automount` is left out, it needs a server."""
    return {
        "name": spec.name,
        "size": spec.size_gib,
        "location": spec.location,
        "labels": dict(spec.labels),
        "format": spec.format,
    }


def rules_body(spec: FirewallSpec) -> list[dict[str, Any]]:
    """The rules as Hetzner takes them."""
    return [
        {
            "direction": "in",
            "protocol": item.protocol,
            "source_ips": list(item.sources),
            **({"port": item.port} if item.port else {}),
            **({"description": item.description} if item.description else {}),
        }
        for item in spec.rules
    ]


def selector_target(selector: str) -> dict[str, Any]:
    """A firewall's target: all servers with these labels."""
    return {"type": "label_selector", "label_selector": {"selector": selector}}
