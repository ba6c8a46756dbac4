"""The name of this installation, and what follows where a Fleet carries another one."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from tenant_operator.api.fleet import FleetStatus
from tenant_operator.app import App
from tenant_operator.cluster.client import Kubernetes, KubernetesError
from tenant_operator.core.installation import made_elsewhere
from tenant_operator.core.step import StepRef, Verdict
from tenant_operator.log import logger
from tenant_operator.passing import Pass
from tenant_operator.store import Stored

log = logger(__name__)
FORBIDDEN: Final = 403
LONGEST_PAUSE_SECONDS: Final = 30.0


async def installation_of(
    kubernetes: Kubernetes, *, rest: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> str:
    """A name of this cluster that stays: from the uid of its kube-system namespace.

    Asked until it is answered: with another name all that exists would look foreign. Only without
    the right to read that namespace the name comes from the address of the API server.
    """
    pause = 1.0
    while True:
        try:
            namespace = await kubernetes.get("/api/v1/namespaces/kube-system")
        except KubernetesError as error:
            if error.status == FORBIDDEN:
                log.warning("this installation is named after its address", cause=str(error))
                return f"c-{hashlib.sha256(kubernetes.server.encode()).hexdigest()[:8]}"
            log.warning("this installation has no name yet", cause=str(error))
        else:
            return f"c-{namespace['metadata']['uid'][:8]}"
        await rest(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def of_another(app: App, fleet: Stored, about: Stored) -> Pass | None:
    """How a pass for a Fleet, or for a Tenant of it, ends when the Fleet is not this
    installation's; None when it is."""
    recorded = FleetStatus.model_validate(fleet.status).installation
    stop = made_elsewhere(app.identity(fleet), recorded)
    if stop is None:
        return None
    condition = "TornDown" if about.deleting else "Accepted"
    step = StepRef(condition=condition, deadline=timedelta(days=365))
    return Pass(verdict=Verdict(done=(), step=step, result=stop))
