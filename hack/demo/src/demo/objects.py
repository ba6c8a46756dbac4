"""The objects the demo applies: the samples of the repository with this machine's endpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]
REPOSITORY = Path(__file__).resolve().parents[4]
SAMPLES = REPOSITORY / "manifests" / "samples"
NAMESPACE = "blueagency"
ZONE = "blueagency.localhost"


def sample(name: str) -> Document:
    """One sample manifest as data."""
    document: Document = yaml.safe_load((SAMPLES / name).read_text())
    document["metadata"]["namespace"] = NAMESPACE
    return document


def namespace() -> Document:
    """Where the agency keeps its Fleet and Tenants."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}


def secrets(endpoints: Document) -> list[Document]:
    """The agency's credentials, which people would create with `kubectl create secret`."""
    return [secret("hetzner", {"token": endpoints["tokens"]["hetzner"]})]


def model_secret(name: str) -> str:
    """The Secret with a customer's own key of the model provider."""
    return f"{name}-model"


def model_key(name: str, key: str) -> Document:
    """A customer's own key of the model provider."""
    return secret(model_secret(name), {"api-key": key})


def secret(name: str, data: dict[str, str]) -> Document:
    """A Secret of the agency's."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "stringData": data,
    }


def fleet(endpoints: Document, images: dict[str, str], ca_bundle: str) -> Document:
    """The sample Fleet, pointed at the local cloud; nothing but addresses differs."""
    document = sample("fleet.yaml")
    spec = document["spec"]
    spec["infrastructure"] |= {
        "endpoint": endpoints["hetzner"],
        "tokenSecretRef": {"name": "hetzner", "key": "token"},
    }
    spec["dns"] = {
        "provider": "hetzner",
        "zone": ZONE,
        "endpoint": endpoints["hetzner"],
        "tokenSecretRef": {"name": "hetzner", "key": "token"},
        "resolvers": [endpoints["dns"]],
    }
    spec["acme"]["directory"] = endpoints["acme"]
    spec["access"] = {
        "sshNetworks": [f"{endpoints['gateway']}/32"],
        "sshPort": endpoints.get("machine_ssh_port", 22),
    }
    spec["registry"] = {"host": endpoints["registry"]}
    spec["images"] = images
    spec["model"]["endpoint"] = endpoints["model"]
    spec["trust"] = {"caBundle": ca_bundle}
    spec["publicPort"] = int(endpoints["edge"].rpartition(":")[2])
    return document


def tenant(name: str = "acme") -> Document:
    """The sample Tenant of the demo, or another one like it under its own name."""
    document = sample("tenant.yaml")
    document["metadata"]["name"] = name
    document["spec"]["fleetRef"] = {"name": "demo"}
    document["spec"]["hostname"] = f"agent.{name}.{ZONE}"
    document["spec"]["agent"]["model"]["apiKeySecretRef"]["name"] = model_secret(name)
    return document
