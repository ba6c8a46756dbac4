"""The least that every answer must keep: envelopes, and the types that official clients insist on.

Written from those clients' needs (integers where Go has integers, objects where a list or null
would break them, ids that Python reads without asking), not from Hetzner's document, so that it
can always be checked.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

INTEGER: Schema = {"type": "integer"}
STRING: Schema = {"type": "string"}
MOMENT: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+00:00)$"}
LABELS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
PRICE: Schema = {"type": "string", "pattern": r"^\d+\.\d+$"}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [{"type": "null"}, schema]}


def _object(**fields: Schema) -> Schema:
    """An object that has all these fields, and may have others."""
    return {"type": "object", "properties": fields, "required": list(fields)}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


_RESOURCE = {"id": INTEGER, "name": STRING, "created": MOMENT, "labels": LABELS}
ERROR = _object(error=_object(code=STRING, message=STRING, details=_or_null({"type": "object"})))
ACTION = _object(
    id=INTEGER,
    command=STRING,
    status={"enum": ["running", "success", "error"]},
    progress={"type": "integer", "minimum": 0, "maximum": 100},
    started=MOMENT,
    finished=_or_null(MOMENT),
    resources=_list(_object(id=INTEGER, type=STRING)),
    error=_or_null(_object(code=STRING, message=STRING)),
)
META = _object(
    pagination=_object(
        page=INTEGER,
        per_page=INTEGER,
        previous_page=_or_null(INTEGER),
        next_page=_or_null(INTEGER),
        last_page=_or_null(INTEGER),
        total_entries=_or_null(INTEGER),
    )
)
LOCATION = _object(id=INTEGER, name=STRING, network_zone=STRING)
IMAGE = _object(
    id=INTEGER,
    name=_or_null(STRING),
    type={"enum": ["system", "app", "snapshot", "backup"]},
    status={"enum": ["available", "creating", "unavailable"]},
    created=MOMENT,
    labels=LABELS,
    architecture={"enum": ["x86", "arm"]},
    deprecation=_or_null(_object(announced=MOMENT, unavailable_after=MOMENT)),
    image_size=_or_null({"type": "number"}),
    disk_size={"type": "number"},
)
_PRICES = _list(
    _object(
        location=STRING,
        price_hourly=_object(net=PRICE, gross=PRICE),
        price_monthly=_object(net=PRICE, gross=PRICE),
    )
)
SERVER_TYPE = _object(
    id=INTEGER,
    name=STRING,
    cores=INTEGER,
    disk=INTEGER,
    memory={"type": "number"},
    prices=_PRICES,
    architecture={"enum": ["x86", "arm"]},
    locations=_list(_object(id=INTEGER, name=STRING, available={"type": "boolean"})),
)
_PUBLIC_IP = _or_null(_object(id=INTEGER, ip=STRING, blocked={"type": "boolean"}))
SERVER = _object(
    **_RESOURCE,
    status=STRING,
    locked={"type": "boolean"},
    primary_disk_size=INTEGER,
    included_traffic=INTEGER,
    server_type=SERVER_TYPE,
    location=LOCATION,
    image=_or_null(IMAGE),
    public_net=_object(
        ipv4=_PUBLIC_IP, ipv6=_PUBLIC_IP, floating_ips=_list(INTEGER), firewalls=_list(_object())
    ),
    private_net=_list(_object(network=INTEGER, ip=STRING, mac_address=STRING)),
    volumes=_list(INTEGER),
    protection=_object(delete={"type": "boolean"}, rebuild={"type": "boolean"}),
)
VOLUME = _object(
    **_RESOURCE,
    size=INTEGER,
    server=_or_null(INTEGER),
    location=LOCATION,
    linux_device={"type": "string", "pattern": "^/dev/disk/by-id/scsi-0HC_Volume_[0-9]+$"},
    status={"enum": ["available", "creating"]},
)
FIREWALL = _object(**_RESOURCE, rules=_list(_object(direction=STRING)), applied_to=_list(_object()))
NETWORK = _object(**_RESOURCE, ip_range=STRING, servers=_list(INTEGER))
PRIMARY_IP = _object(
    **_RESOURCE,
    ip=STRING,
    assignee_id=_or_null(INTEGER),
    assignee_type={"enum": ["server", "unassigned"]},
    dns_ptr=_list(_object(ip=STRING, dns_ptr=STRING)),
)
FLOATING_IP = _object(**_RESOURCE, ip=STRING, server=_or_null(INTEGER), home_location=LOCATION)
PLACEMENT_GROUP = _object(**_RESOURCE, servers=_list(INTEGER))
SSH_KEY = _object(**_RESOURCE, fingerprint=STRING, public_key=STRING)
ZONE = _object(**_RESOURCE, ttl=INTEGER, mode=STRING, record_count=INTEGER)
RRSET = _object(
    id=STRING,
    name=STRING,
    type=STRING,
    ttl=_or_null(INTEGER),
    labels=LABELS,
    records=_list(_object(value=STRING)),
    zone=INTEGER,
)
PRICING = _object(primary_ips=_list(_object()), floating_ips=_list(_object()), currency=STRING)

_ONE: dict[str, Schema] = {
    "action": _or_null(ACTION),
    "server": SERVER,
    "image": IMAGE,
    "volume": VOLUME,
    "firewall": FIREWALL,
    "network": NETWORK,
    "primary_ip": PRIMARY_IP,
    "floating_ip": FLOATING_IP,
    "placement_group": PLACEMENT_GROUP,
    "ssh_key": SSH_KEY,
    "location": LOCATION,
    "server_type": SERVER_TYPE,
    "zone": ZONE,
    "rrset": RRSET,
}
ROOTS: dict[str, Schema] = {
    **_ONE,
    **{f"{root}s": _list(schema) for root, schema in _ONE.items() if root != "action"},
    "actions": _list(ACTION),
    "next_actions": _list(ACTION),
    "pricing": PRICING,
    "root_password": _or_null(STRING),
    "meta": META,
}
ANSWER: Schema = {"type": "object", "properties": ROOTS, "minProperties": 1}
