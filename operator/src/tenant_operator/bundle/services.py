"""The Compose file as data: six services, each locked down the same way, and four networks.

`locked` is the only place a service is built, so a new one cannot forget a limit. Only Traefik
publishes ports; the data network has no way out. Memory figures are limits, not reservations:
the whole stack idles below 600 MB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tenant_operator.bundle import layout
from tenant_operator.bundle.layout import COLORS, SECRET_NAMES, WORKER_SECRET_NAMES, Color
from tenant_operator.core.stack import StackInputs

AGENTS = ("agent-blue", "agent-green", "worker")
POSTGRES_SETTINGS = {
    "shared_buffers": "96MB",
    "effective_cache_size": "512MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "60",
    "max_wal_size": "512MB",
    "wal_compression": "on",
    "jit": "off",
    "password_encryption": "scram-sha-256",
    "log_min_duration_statement": "1000",
    "log_connections": "off",
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one container may use at most."""

    memory: str
    cpus: str
    pids: int


def compose(stack: StackInputs, revisions: dict[str, str]) -> dict[str, Any]:
    """The whole Compose project.

    `revisions` maps a service to a digest of the files it only reads at start; as a label it makes
    Compose recreate exactly the containers whose files changed.
    """
    services = {
        "traefik": traefik(stack),
        **{f"agent-{color}": agent(stack, color) for color in COLORS},
        "worker": worker(stack),
        "postgres": postgres(stack),
        "redis": redis(stack),
    }
    for name, service in services.items():
        service["labels"] = {
            "io.blueagency.tenant": stack.tenant,
            "io.blueagency.files": revisions.get(name, ""),
        }
    return {
        "name": "tenant",
        "services": services,
        "networks": networks(),
        "secrets": secrets(),
    }


def locked(image: str, *, uid: int, limits: Limits, **more: Any) -> dict[str, Any]:
    """A service with every restriction on; `more` says what it is and what it needs."""
    return {
        "image": image,
        "user": f"{uid}:{uid}",
        "restart": "unless-stopped",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "mem_limit": limits.memory,
        "memswap_limit": limits.memory,
        "cpus": limits.cpus,
        "pids_limit": limits.pids,
        "logging": {"driver": "local", "options": {"max-size": "10m", "max-file": "3"}},
        **more,
    }


def traefik(stack: StackInputs) -> dict[str, Any]:
    """The proxy. Docker lets any user bind low ports inside a container, so no capability."""
    return locked(
        stack.images.traefik,
        uid=layout.TRAEFIK_UID,
        limits=Limits(memory="256m", cpus="1.0", pids=128),
        command=["--configFile=/etc/traefik/traefik.yaml"],
        environment={"GOMEMLIMIT": "160MiB", "HOME": "/tmp"},  # noqa: S108
        ports=[
            {"target": 80, "published": "80", "protocol": "tcp", "mode": "host"},
            {"target": 443, "published": "443", "protocol": "tcp", "mode": "host"},
        ],
        networks=["edge", "front"],
        volumes=[
            mount(layout.TRAEFIK_DIR, "/etc/traefik"),
            mount(f"{layout.DATA}/traefik", "/var/lib/traefik", read_only=False),
            mount(layout.HOST_TRUST, layout.HOST_TRUST),
        ],
        tmpfs=[tmpfs("/tmp", layout.TRAEFIK_UID, "16m")],  # noqa: S108
        healthcheck=health("traefik", "healthcheck", "--configFile=/etc/traefik/traefik.yaml"),
        stop_grace_period="30s",
    )


def agent(stack: StackInputs, color: Color) -> dict[str, Any]:
    """One slot of the web process; the profile keeps the idle slot down until it is named."""
    return locked(
        stack.images.agent,
        uid=layout.AGENT_UID,
        limits=Limits(memory=share(stack, percent=20, floor=512), cpus="1.5", pids=256),
        command=["serve"],
        profiles=[color],
        environment={**agent_environment(stack), "AGENT_COLOR": color},
        networks=["front", "data", "egress"],
        volumes=agent_mounts(),
        tmpfs=[tmpfs("/tmp", layout.AGENT_UID, "256m")],  # noqa: S108
        secrets=[secret("agent", name) for name in SECRET_NAMES],
        healthcheck=health("tenant-agent", "healthcheck"),
        stop_grace_period="40s",
    )


def worker(stack: StackInputs) -> dict[str, Any]:
    """Background jobs; outlives a colour switch, so it carries no colour of its own."""
    return locked(
        stack.images.agent,
        uid=layout.AGENT_UID,
        limits=Limits(memory=share(stack, percent=25, floor=768), cpus="1.5", pids=256),
        command=["worker"],
        environment={**agent_environment(stack), "AGENT_COLOR": "worker"},
        networks=["data", "egress"],
        volumes=agent_mounts(),
        tmpfs=[tmpfs("/tmp", layout.AGENT_UID, "512m")],  # noqa: S108
        secrets=[secret("agent", name) for name in WORKER_SECRET_NAMES],
        healthcheck=health("tenant-agent", "healthcheck-worker"),
        stop_grace_period="60s",
    )


def postgres(stack: StackInputs) -> dict[str, Any]:
    """PostgreSQL 17 with pgvector, tuned small; checksums on, because nobody watches the disk."""
    settings = [part for item in POSTGRES_SETTINGS.items() for part in ("-c", "=".join(item))]
    return locked(
        stack.images.postgres,
        uid=layout.POSTGRES_UID,
        limits=Limits(memory=share(stack, percent=20, floor=512), cpus="1.5", pids=128),
        command=["postgres", *settings],
        environment={
            "POSTGRES_USER": "agent",
            "POSTGRES_DB": "agent",
            "POSTGRES_PASSWORD_FILE": "/run/secrets/database_password",
            "POSTGRES_INITDB_ARGS": "--data-checksums --auth-host=scram-sha-256",
        },
        networks=["data"],
        shm_size="128m",
        volumes=[
            mount(f"{layout.DATA}/postgres", "/var/lib/postgresql/data", read_only=False),
        ],
        tmpfs=[
            tmpfs("/tmp", layout.POSTGRES_UID, "64m"),  # noqa: S108
            tmpfs("/var/run/postgresql", layout.POSTGRES_UID, "4m"),
        ],
        secrets=[secret("postgres", "database_password")],
        healthcheck=health("pg_isready", "-q", "-h", "127.0.0.1", "-U", "agent", "-d", "agent"),
        stop_grace_period="60s",
        stop_signal="SIGINT",
    )


def redis(stack: StackInputs) -> dict[str, Any]:
    """Redis with AOF; its password sits in a file, an argument would show in every `ps`."""
    ask = 'REDISCLI_AUTH="$$(cat /run/secrets/redis_password)" redis-cli ping | grep -q PONG'
    return locked(
        stack.images.redis,
        uid=layout.REDIS_UID,
        limits=Limits(memory="192m", cpus="0.5", pids=64),
        command=["redis-server", "/run/secrets/redis_config"],
        networks=["data"],
        volumes=[mount(f"{layout.DATA}/redis", "/data", read_only=False)],
        tmpfs=[tmpfs("/tmp", layout.REDIS_UID, "16m")],  # noqa: S108
        secrets=[secret("redis", "redis_password"), secret("redis", "redis_config")],
        healthcheck=health("sh", "-c", ask),
        stop_grace_period="30s",
    )


def agent_environment(stack: StackInputs) -> dict[str, str]:
    """What docs/contracts.md lists for the tenant image, less the colour."""
    return {
        "AGENT_PUBLIC_URL": public_url(stack),
        "AGENT_DATABASE_HOST": "postgres",
        "AGENT_DATABASE_PORT": "5432",
        "AGENT_DATABASE_NAME": "agent",
        "AGENT_DATABASE_USER": "agent",
        "AGENT_REDIS_HOST": "redis",
        "AGENT_REDIS_PORT": "6379",
        "AGENT_SECRETS_DIR": "/run/secrets",
        "AGENT_MODEL_ENDPOINT": stack.model.endpoint,
        "AGENT_CHAT_MODEL": stack.model.chat_model,
        "AGENT_EMBEDDING_MODEL": stack.model.embedding_model,
        "AGENT_EMBEDDING_DIMENSIONS": str(stack.model.dimensions),
        "AGENT_BRANDING_FILE": "/etc/tenant/branding/branding.json",
        "AGENT_LANGUAGES": ",".join(stack.languages),
        "AGENT_ADMIN_EMAIL": stack.admin_email,
        "AGENT_DATA_DIR": "/data",
        "AGENT_RELEASE": release_name(stack),
        "AGENT_TRUSTED_PROXIES": proxy_layers(stack),
        "SSL_CERT_FILE": layout.HOST_TRUST,
    }


def proxy_layers(stack: StackInputs) -> str:
    """Traefik, and behind it the edge if there is one: each is believed for one step only."""
    layers = ((layout.FRONT_SUBNET,), stack.trusted_proxies)
    return ";".join(",".join(networks) for networks in layers if networks)


def public_url(stack: StackInputs) -> str:
    """The address customers type; the port is named only when browsers would not add it."""
    port = "" if stack.public_port == 443 else f":{stack.public_port}"
    return f"https://{stack.hostname}{port}"


def release_name(stack: StackInputs) -> str:
    """What `/version` shows: the start of the agent image's digest."""
    return stack.images.agent.partition("@sha256:")[2][:12]


def share(stack: StackInputs, *, percent: int, floor: int) -> str:
    """A memory limit that grows with the machine and never falls below what the service needs."""
    return f"{max(floor, stack.memory_mib * percent // 100)}m"


def agent_mounts() -> list[dict[str, Any]]:
    """Uploads, branding (a directory, so that a renamed-in file is seen) and the trust store."""
    return [
        mount(f"{layout.DATA}/data", "/data", read_only=False),
        mount(layout.BRANDING_DIR, "/etc/tenant/branding"),
        mount(layout.HOST_TRUST, layout.HOST_TRUST),
    ]


def networks() -> dict[str, Any]:
    """Front and data have no way out; on egress the containers cannot see each other."""
    isolated = {"com.docker.network.bridge.enable_icc": "false"}
    return {
        "front": {"internal": True, "ipam": subnets(layout.FRONT_SUBNET)},
        "data": {"internal": True, "ipam": subnets(layout.DATA_SUBNET)},
        "edge": {
            "enable_ipv6": True,
            "driver_opts": isolated,
            "ipam": subnets(layout.EDGE_SUBNET, layout.EDGE_SUBNET_V6),
        },
        "egress": {"driver_opts": isolated, "ipam": subnets(layout.EGRESS_SUBNET)},
    }


def subnets(*blocks: str) -> dict[str, Any]:
    """Fixed addresses, because the agent trusts the proxy by its network."""
    return {"config": [{"subnet": block} for block in blocks]}


def secrets() -> dict[str, Any]:
    """Each reader has its own copy, owned by its own user: Compose mounts keep host owners."""
    readers = {
        "agent": SECRET_NAMES,
        "postgres": ("database_password",),
        "redis": ("redis_password", "redis_config"),
    }
    return {
        f"{reader}_{name}": {"file": f"{layout.SECRETS}/{reader}/{name}"}
        for reader, names in readers.items()
        for name in names
    }


def secret(reader: str, name: str) -> dict[str, str]:
    """A secret under the plain name the image expects in `/run/secrets`."""
    return {"source": f"{reader}_{name}", "target": name}


def mount(source: str, target: str, *, read_only: bool = True) -> dict[str, Any]:
    """A bind mount that fails when the source is missing instead of making it as root."""
    return {
        "type": "bind",
        "source": source,
        "target": target,
        "read_only": read_only,
        "bind": {"create_host_path": False},
    }


def tmpfs(path: str, uid: int, size: str) -> str:
    """A small writable place in memory."""
    return f"{path}:size={size},uid={uid},gid={uid},mode=0700,nosuid,nodev,noexec"


def health(*argv: str) -> dict[str, Any]:
    """A health check; asked every second while starting, so that a deployment is not slower.

    Afterwards rarely, because each is a process in the container and nothing acts on it sooner: the
    operator looks every five minutes, and a process that ends is started anew at once.
    """
    return {
        "test": ["CMD", *argv],
        "interval": "30s",
        "timeout": "4s",
        "retries": 3,
        "start_period": "60s",
        "start_interval": "1s",
    }
