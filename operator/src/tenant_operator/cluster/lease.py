"""One operator works at a time: a Lease that is taken, renewed, and given back at the end.

Safety does not rest on it (names are unique, labels carry uids, writes carry versions); it keeps
two operators from doing the same work. Who loses it stops working and ends, to start anew.
It is renewed three times within its validity, and its holder counts on two thirds of that only: it
has stopped before another one may begin, also when it was frozen or cut off meanwhile. The holder's
clock is not compared with ours: a lease is free when it has not changed for its validity as we have
watched it.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Final

from tenant_operator.cluster.client import Conflict, Document, Kubernetes, KubernetesError, NotFound
from tenant_operator.log import logger

NAME: Final = "tenant-operator"
VALID_SECONDS: Final = 15.0
log = logger(__name__)


class Lease:
    """The Lease as one process sees it."""

    def __init__(
        self,
        kubernetes: Kubernetes,
        *,
        namespace: str,
        holder: str,
        valid_seconds: float = VALID_SECONDS,
    ) -> None:
        self._kubernetes = kubernetes
        self._valid = valid_seconds
        self._renewed = -valid_seconds
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._namespace = namespace
        self._holder = holder
        self._watched: tuple[str, float] = ("", 0.0)

    async def acquire(self) -> None:
        """Return once this process holds the lease."""
        held = await self._try()
        while not held:
            await asyncio.sleep(self._valid / 3)
            held = await self._try()
        log.info("the lease is held", holder=self._holder)

    async def keep(self) -> None:
        """Renew until it is lost; then return."""
        pause = self._valid / 3
        with contextlib.suppress(TimeoutError):
            while (left := self.remaining()) > 0:
                async with asyncio.timeout(left):
                    await asyncio.sleep(pause)
                    pause = self._valid / (3 if await self._try() else 15)
        log.error("the lease is lost", holder=self._holder)

    def remaining(self) -> float:
        """Seconds for which this process may go on working; none when it holds no lease."""
        return self._renewed + self._valid * 2 / 3 - asyncio.get_running_loop().time()

    async def release(self) -> None:
        """Give it back, so that the next one need not wait."""
        try:
            held = await self._kubernetes.get(f"{self._path}/{NAME}")
            if held["spec"].get("holderIdentity") == self._holder:
                held["spec"]["holderIdentity"] = ""
                await self._kubernetes.replace(f"{self._path}/{NAME}", held)
        except KubernetesError as error:
            log.warning("the lease could not be given back", error=str(error))

    async def _try(self) -> bool:
        """Take or renew; counted from before the request, as the others may see it that early."""
        now = asyncio.get_running_loop().time()
        held = await self._taken(now)
        if held:
            self._renewed = now
        return held

    async def _taken(self, now: float) -> bool:
        try:
            held = await self._kubernetes.get(f"{self._path}/{NAME}")
        except NotFound:
            return await self._write(None)
        except KubernetesError as error:
            log.warning("the lease could not be read", error=str(error))
            return False
        version = held["metadata"]["resourceVersion"]
        holder = held["spec"].get("holderIdentity", "")
        if self._watched[0] != version:
            self._watched = (version, now)
        if holder not in ("", self._holder) and now - self._watched[1] < self._valid:
            return False
        return await self._write(held)

    async def _write(self, held: Document | None) -> bool:
        spec = {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": max(1, round(self._valid)),
            "renewTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        metadata = {"name": NAME, "namespace": self._namespace}
        try:
            if held is None:
                body: Document = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
                body |= {"metadata": metadata, "spec": spec}
                await self._kubernetes.create(self._path, body)
            else:
                held["spec"] |= spec
                await self._kubernetes.replace(f"{self._path}/{NAME}", held)
        except Conflict:
            return False
        except KubernetesError as error:
            log.warning("the lease could not be written", error=str(error))
            return False
        return True
