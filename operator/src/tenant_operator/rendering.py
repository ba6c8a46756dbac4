"""The recipes of a case: the pure renderers, bound to one tenant's or fleet's values."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import Final, overload

from tenant_operator.api.fields import ImageSet
from tenant_operator.api.fleet import FleetSpec
from tenant_operator.api.tenant import TenantSpec
from tenant_operator.bundle.render import cloud_init, render
from tenant_operator.core.case import FleetView, ModelKey, Recipes, TenantKeys
from tenant_operator.core.fleet_case import BakeKeys, FleetSecrets
from tenant_operator.core.fleet_steps import http_networks
from tenant_operator.core.names import Identity, cloud_name, fleet_name
from tenant_operator.core.stack import (
    BakeInputs,
    BootInputs,
    Branding,
    Bundle,
    HardenInputs,
    Images,
    KeyPair,
    Model,
    StackInputs,
)
from tenant_operator.core.world import File, Job, ServerType
from tenant_operator.host import bootstrap

SMALLEST_MEMORY_MIB = 3500
"""What a machine has at least when its type is not known: 4 GB less the kernel's share."""


class NotYet(RuntimeError):
    """A recipe was asked for before the values it needs exist; steps are ordered to prevent it."""


@dataclass(frozen=True, kw_only=True)
class TenantSecrets:
    """A tenant's own secrets, as far as they are known."""

    keys: TenantKeys | None
    model_key: ModelKey | None


def recipes(
    identity: Identity,
    spec: TenantSpec,
    home: FleetView,
    *,
    secrets: TenantSecrets,
    machine: str = "",
) -> Recipes:
    """Everything a tenant's machine needs, rendered on demand; `machine` is its server type."""
    return _Tenant(identity, spec, home, secrets, machine).recipes()


class _Tenant:
    def __init__(
        self,
        identity: Identity,
        spec: TenantSpec,
        home: FleetView,
        secrets: TenantSecrets,
        machine: str,
    ) -> None:
        self._identity = identity
        self._spec = spec
        self._home = home
        self._keys = secrets.keys
        self._model_key = secrets.model_key
        self._machine = machine

    def recipes(self) -> Recipes:
        return Recipes(
            user_data=self.user_data,
            rotate_host_key=lambda key: bootstrap.rotate_host_key(key.private, key.public),
            harden=self.harden,
            data_disk=bootstrap.data_disk,
            deploy=lambda: deploy_job(self.stack()),
            stop_stack=bootstrap.stop_stack,
        )

    def user_data(self, keys: TenantKeys, image: int | str) -> str:
        """For a machine from that image; a snapshot, which has a number, trusts the roots already.

        Adding them again would cost two seconds of each boot.
        """
        if keys.boot_host_key is None or keys.client_key is None:
            raise NotYet("user_data needs the first host key and the client key")
        return cloud_init(
            BootInputs(
                hostname=cloud_name(self._identity),
                host_key=keys.boot_host_key,
                client_public_key=keys.client_key.public,
                ca_bundle="" if isinstance(image, int) else ca_bundle(self._home.spec),
            )
        )

    def harden(self) -> Job:
        if self._keys is None or self._keys.client_key is None:
            raise NotYet("hardening needs the client key")
        shared = hardening(self._home.spec, operator_networks=self._home.operator_networks)
        return harden_job(replace(shared, client_public_key=self._keys.client_key.public))

    def stack(self) -> StackInputs:
        fleet, spec = self._home.spec, self._spec
        if self._keys is None or self._keys.stack is None or self._model_key is None:
            raise NotYet("the stack needs the tenant's secrets")
        return StackInputs(
            tenant=self._identity.name,
            hostname=spec.hostname,
            public_port=fleet.public_port,
            images=images(fleet.images, spec),
            registry=self._home.registry,
            model=model(fleet, self._model_key.value),
            secrets=self._keys.stack,
            branding=branding(spec),
            languages=tuple(spec.agent.languages),
            admin_email=spec.agent.admin_email,
            acme_directory=fleet.acme.directory,
            acme_email=fleet.acme.email,
            ca_bundle=ca_bundle(fleet),
            trusted_proxies=http_networks(fleet),
            memory_mib=memory_mib(self._home.catalogue, self._machine),
        )


def deploy_job(inputs: StackInputs) -> Job:
    """The rendered release as a job."""
    named = bootstrap.deploy(Bundle(digest=DIGESTS.of(inputs), files={}))
    return replace(named, files=Rendered(lambda: bootstrap.deploy(render(inputs)).files))


class Rendered(Sequence[File]):
    """Files that are rendered when somebody asks for one of them."""

    def __init__(self, render: Callable[[], Sequence[File]]) -> None:
        self._render = render

    @cached_property
    def _files(self) -> Sequence[File]:
        return self._render()

    @overload
    def __getitem__(self, index: int) -> File: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[File]: ...
    def __getitem__(self, index: int | slice) -> File | Sequence[File]:
        return self._files[index]

    def __len__(self) -> int:
        return len(self._files)


class Digests:
    """Digests of rendered releases by that of their inputs: a few hundred bytes each.

    Every pass compares a release's digest, and only a start needs its files. Those of a whole
    fleet, logos and all, would take hundreds of megabytes; rendered at each pass they cost 4 ms.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: OrderedDict[bytes, str] = OrderedDict()

    def of(self, inputs: StackInputs) -> str:
        """The digest of the release that these inputs make."""
        key = hashlib.sha256(json.dumps(asdict(inputs), sort_keys=True).encode()).digest()
        if key not in self._known:
            self._known[key] = render(inputs).digest
            if len(self._known) > self._limit:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]


DIGESTS: Final = Digests(limit=8192)


@lru_cache(maxsize=256)
def harden_job(inputs: HardenInputs) -> Job:
    """The hardening list as a job; asked for at every pass, and its inputs seldom change."""
    return bootstrap.harden(inputs)


@lru_cache(maxsize=16)
def snapshot_job(inputs: BakeInputs) -> Job:
    """What makes a snapshot as a job; asked for at every pass, and its inputs seldom change."""
    return bootstrap.bake(inputs)


def images(fleet: ImageSet, spec: TenantSpec) -> Images:
    """The fleet's images with the tenant's own before them."""
    own = spec.images
    return Images(
        agent=own.agent or fleet.agent,
        traefik=own.traefik or fleet.traefik,
        postgres=own.postgres or fleet.postgres,
        redis=own.redis or fleet.redis,
    )


def model(fleet: FleetSpec, key: str) -> Model:
    """The fleet's model provider with the tenant's key."""
    return Model(
        endpoint=fleet.model.endpoint or "",
        chat_model=fleet.model.chat_model,
        embedding_model=fleet.model.embedding_model,
        dimensions=fleet.model.dimensions,
        api_key=key,
    )


def branding(spec: TenantSpec) -> Branding:
    """How the dashboard looks; the name falls back to the customer's."""
    return Branding(
        name=spec.branding.name or spec.display_name,
        logo=spec.branding.logo,
        primary=spec.branding.primary,
        accent=spec.branding.accent,
    )


def memory_mib(catalogue: tuple[ServerType, ...], machine: str) -> int:
    """What the services of a machine of that type may use.

    The type it has counts and not the types that are wished for: a wish that cannot be granted must
    not touch what runs. A type that is sold no more has the least memory of all.
    """
    if not catalogue:
        raise NotYet("the limits of the services need the cloud's server types")
    sizes = (int(kind.memory_gib * 1024 * 0.95) for kind in catalogue if kind.name == machine)
    return next(sizes, SMALLEST_MEMORY_MIB)


def ca_bundle(fleet: FleetSpec) -> str:
    """Roots besides the public ones."""
    return fleet.trust.ca_bundle if fleet.trust else ""


def hardening(fleet: FleetSpec, *, operator_networks: tuple[str, ...] = ()) -> HardenInputs:
    """What every machine of a fleet is hardened with."""
    return HardenInputs(
        ssh_networks=tuple(fleet.access.ssh_networks),
        operator_networks=operator_networks,
        http_networks=http_networks(fleet),
        registry_host=fleet.registry.host,
        ca_bundle=ca_bundle(fleet),
    )


def bake_job(
    fleet: FleetSpec, secrets: FleetSecrets, *, operator_networks: tuple[str, ...] = ()
) -> Job:
    """What a fleet's snapshot is made by."""
    shared = fleet.images
    return snapshot_job(
        BakeInputs(
            system=fleet.infrastructure.image,
            images=Images(
                agent=shared.agent,
                traefik=shared.traefik,
                postgres=shared.postgres,
                redis=shared.redis,
            ),
            registry=secrets.registry,
            hardening=hardening(fleet, operator_networks=operator_networks),
        )
    )


def bake_user_data(identity: Identity, fleet: FleetSpec, keys: BakeKeys) -> str:
    """cloud-init of the baking server; its key never leaves it, so it is not replaced."""
    return cloud_init(
        BootInputs(
            hostname=fleet_name(identity),
            host_key=keys.host_key,
            client_public_key=keys.client_key.public,
            ca_bundle=ca_bundle(fleet),
        )
    )


def accepted_host_keys(keys: TenantKeys) -> tuple[KeyPair, ...]:
    """The host keys that are accepted, the lasting one first."""
    return tuple(key for key in (keys.host_key, keys.boot_host_key) if key is not None)
