"""The API server as a client without a process per question sees it: create, delete, watch."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from plugins.fix_kube import api_client

Document = dict[str, Any]
SECONDS = 600.0


@dataclass(frozen=True)
class Sighting:
    """An object as a watch delivered it, and when."""

    kind: str
    moment: float
    body: Document


@dataclass(frozen=True)
class Tenants:
    """The Tenants of one namespace."""

    client: httpx.Client
    path: str

    def create(self, document: Document) -> str:
        """Create one; returns the version to watch from."""
        answer = self.client.post(self.path, json=document).raise_for_status()
        return str(answer.json()["metadata"]["resourceVersion"])

    def get(self, name: str) -> Document:
        """One of them."""
        found: Document = self.client.get(f"{self.path}/{name}").raise_for_status().json()
        return found

    def delete(self, name: str) -> str:
        """Ask for its end; returns the version it had."""
        version = str(self.get(name)["metadata"]["resourceVersion"])
        self.client.delete(f"{self.path}/{name}").raise_for_status()
        return version

    def watch(self, name: str, version: str) -> Iterator[Sighting]:
        """Every change of one of them after a version.

        Raises:
            TimeoutError: nothing changed for ten minutes.
        """
        query = {
            "watch": "1",
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": version,
        }
        try:
            with self.client.stream("GET", self.path, params=query) as stream:
                for line in stream.raise_for_status().iter_lines():
                    event = json.loads(line)
                    yield Sighting(event["type"], time.time(), event["object"])
        except httpx.ReadTimeout as error:
            raise TimeoutError(f"tenant/{name} did not change for {SECONDS:.0f} s") from error


def tenants(kubeconfig: Path, namespace: str) -> Tenants:
    """A client with an administrator's kubeconfig whose certificates are embedded."""
    client = api_client(kubeconfig, seconds=SECONDS)
    return Tenants(client, f"/apis/blueagency.io/v1alpha1/namespaces/{namespace}/tenants")
