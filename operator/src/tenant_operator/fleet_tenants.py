"""The tenants of a Fleet, asked for before its first pass.

The watches of Fleets and Tenants are two: after a start either may be heard of first. A Fleet whose
tenants are not known yet would look unused (and be torn down, if it is to go), count none (which
opens the admission policies) and take what its customers have for orphaned.
"""

from __future__ import annotations

from tenant_operator.app import App
from tenant_operator.cluster.objects import collection_path
from tenant_operator.store import Stored, read
from tenant_operator.workqueue import Lane


async def know_tenants(app: App, fleet: Stored) -> None:
    """Store every Tenant that names the Fleet, once in a process; later ones are heard of.

    The watch must show each of them too: one that goes between this list and the watch's is
    forgotten when its own pass meets a 404; if it meets none, the liveness probe asks for a new
    process. Raises KubernetesError: the pass must not go on without them.
    """
    memory = app.memory(fleet.uid)
    if memory.tenants_known:
        return
    path = collection_path("tenant", fleet.key.namespace)
    fields = f"spec.fleetRef.name={fleet.key.name}"
    async for page in app.kubernetes.pages(path, fields=fields):
        for body in page:
            tenant = read("tenant", body)
            if app.store.get(tenant.key) is None:
                app.store.put(tenant)
                app.queue.add(tenant.key, Lane.USER)
                app.watch.wrote(tenant.key, tenant.resource_version, app.clock())
    memory.tenants_known = True
