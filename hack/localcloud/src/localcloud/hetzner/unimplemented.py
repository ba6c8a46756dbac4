"""Operations of Hetzner's document that the local cloud does not have: they answer 501.

Certificates and load balancers are used by no part of the product. The README lists the same, and
a test holds the two together.
"""

from __future__ import annotations

from localcloud.hetzner.errors import not_implemented
from localcloud.hetzner.routing import Call, Handler, Reply, Route

OPERATIONS = (
    "GET /certificates",
    "POST /certificates",
    "GET /certificates/actions",
    "GET /certificates/actions/{id}",
    "GET /certificates/{id}",
    "PUT /certificates/{id}",
    "DELETE /certificates/{id}",
    "GET /certificates/{id}/actions",
    "POST /certificates/{id}/actions/retry",
    "GET /certificates/{id}/actions/{action_id}",
    "GET /load_balancer_types",
    "GET /load_balancer_types/{id}",
    "GET /load_balancers",
    "POST /load_balancers",
    "GET /load_balancers/actions",
    "GET /load_balancers/actions/{id}",
    "GET /load_balancers/{id}",
    "PUT /load_balancers/{id}",
    "DELETE /load_balancers/{id}",
    "GET /load_balancers/{id}/actions",
    "POST /load_balancers/{id}/actions/add_service",
    "POST /load_balancers/{id}/actions/add_target",
    "POST /load_balancers/{id}/actions/attach_to_network",
    "POST /load_balancers/{id}/actions/change_algorithm",
    "POST /load_balancers/{id}/actions/change_dns_ptr",
    "POST /load_balancers/{id}/actions/change_protection",
    "POST /load_balancers/{id}/actions/change_type",
    "POST /load_balancers/{id}/actions/delete_service",
    "POST /load_balancers/{id}/actions/detach_from_network",
    "POST /load_balancers/{id}/actions/disable_public_interface",
    "POST /load_balancers/{id}/actions/enable_public_interface",
    "POST /load_balancers/{id}/actions/remove_target",
    "POST /load_balancers/{id}/actions/update_service",
    "GET /load_balancers/{id}/actions/{action_id}",
    "GET /load_balancers/{id}/metrics",
)


def _handler(operation: str) -> Handler:
    def refuse(_call: Call) -> Reply:
        raise not_implemented(operation)

    return refuse


def _route(operation: str) -> Route:
    method, _, path = operation.partition(" ")
    return Route(method, path, _handler(operation))


ROUTES = [_route(operation) for operation in OPERATIONS]
