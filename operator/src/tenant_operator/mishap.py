"""What a step met while it looked or acted, as a trouble: one mapping for tenants and fleets."""

from __future__ import annotations

from tenant_operator.cluster.client import KubernetesError
from tenant_operator.core.faults import Obstacle, ProviderError
from tenant_operator.core.step import Trouble
from tenant_operator.core.trouble import (
    Attempt,
    failure_trouble,
    obstacle_trouble,
    trouble,
    with_help,
)
from tenant_operator.host.port import HostError

Mishap = ProviderError | Obstacle | KubernetesError | HostError


def mishap_trouble(error: Mishap, attempt: Attempt) -> Trouble:
    """Reason, message and next try for an error of any port."""
    match error:
        case ProviderError():
            return trouble(error, attempt)
        case Obstacle():
            return obstacle_trouble(error, attempt)
        case KubernetesError():
            reason = "KubernetesUnavailable"
        case HostError():
            reason = "HostUnreachable"
    message = with_help(reason, str(error))
    return failure_trouble(reason, message, attempt=attempt, person=False)
