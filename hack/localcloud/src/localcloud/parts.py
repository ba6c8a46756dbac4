"""How each part of the local cloud is started; the list at the end is the order.

Every function listens, adds what clients need to `instance.endpoints`, registers its end and
returns the line a person reads.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from pathlib import Path

from localcloud.acme import HOST as ACME_HOST
from localcloud.acme import AcmeOptions, start_acme
from localcloud.clock import RealClock
from localcloud.cloudflare.service import CloudflareOptions, start_cloudflare
from localcloud.dns.forward import forwarder as resolver
from localcloud.dns.forward import upstreams
from localcloud.dns.reply import Replies
from localcloud.dns.server import DnsServer
from localcloud.edge.interface import held_address
from localcloud.edge.listeners import Listener, forwarder
from localcloud.edge.origins import Origins
from localcloud.edge.passthrough import PassThrough
from localcloud.edge.proxy import ProxyOptions, start_proxy
from localcloud.files import write_whole
from localcloud.hetzner.cloud import Settings as HetznerSettings
from localcloud.hetzner.cloud import Surroundings
from localcloud.hetzner.model import Token
from localcloud.hetzner.service import Address, RunningService, start_hetzner
from localcloud.instance import PURGE, Instance, free_port
from localcloud.machines.memory import MemoryMachines
from localcloud.registry import HOST as REGISTRY_HOST
from localcloud.registry import RegistryOptions, start_registry
from localcloud.settings import DOMAIN, LOOPBACK, SettingsError

Start = Callable[[Instance], Awaitable[str]]

DNS_PORT = 53
PROJECT = "default"
MODEL_HOST = f"model.{DOMAIN}"
MODEL_KEY = "ModelKey"


async def machines(instance: Instance) -> str:
    """What servers are made of; opened first, because it makes the gateway's address."""
    await instance.machines.open()
    instance.ends.push_async_callback(_close_machines, instance)
    if isinstance(instance.machines, MemoryMachines):
        instance.machine_ports.extend(instance.machines.ports)
        instance.endpoints["machine_ssh_port"] = instance.machines.ports[0]
    return f"{instance.settings.backend}, {', '.join(instance.machines.stock_images())}"


async def _close_machines(instance: Instance) -> None:
    await instance.machines.close(purge=(instance.folder / PURGE).exists())


async def hetzner(instance: Instance) -> str:
    """The Hetzner Cloud API on loopback."""
    settings = instance.settings
    around = Surroundings(
        machines=instance.machines,
        records=instance.records,
        pool=instance.pool,
        clock=RealClock(),
    )
    service = await start_hetzner(
        settings.dir,
        around,
        address=Address(
            host=LOOPBACK,
            port=settings.ports.hetzner,
            tls=instance.authority.certificate("localhost", LOOPBACK).server_context(),
            tls_port=settings.ports.hetzner_tls,
        ),
        tokens=[Token(secret=instance.tokens["hetzner"], project=PROJECT)],
        zones=settings.hetzner_zones,
        settings=HetznerSettings(pace=settings.pace),
    )
    instance.ends.push_async_callback(service.close)
    if settings.openapi is not None:
        _check_answers(instance, service, settings.openapi)
    instance.endpoints["hetzner"] = service.url
    instance.endpoints["hetzner_tls"] = service.https
    return f"{service.url} and {service.https}"


def _check_answers(instance: Instance, service: RunningService, document: Path) -> None:
    """Hold every answer against Hetzner's document; what differs is told at the end."""
    # Imported here: only this needs a validator of JSON schemas.
    from localcloud.hetzner.conformance import Conformance, load

    try:
        conformance = Conformance(load(document))
    except (KeyError, ValueError) as error:
        why = f"--openapi {document} is not Hetzner's document: {error!r}"
        raise SettingsError(why) from error
    service.hetzner.door.observers.append(conformance)

    def tell() -> None:
        for problem in conformance.problems:
            instance.say(f"hetzner     an answer differs from the document: {problem}")

    instance.ends.callback(tell)


async def dns(instance: Instance) -> str:
    """Authoritative DNS on loopback and, for machines, on their gateway's port 53."""
    settings = instance.settings
    replies = Replies(instance.zones, resolver(upstreams(settings.forward)))
    server = DnsServer(replies, recursion_for=[ipaddress.ip_network(settings.subnet)])
    instance.ends.push_async_callback(server.close)
    port = await server.listen(LOOPBACK, settings.ports.dns)
    instance.endpoints["dns"] = f"{LOOPBACK}:{port}"
    if settings.backend == "container":
        await server.listen(settings.gateway, DNS_PORT)
        return f"{LOOPBACK}:{port} and {settings.gateway}:{DNS_PORT}, UDP and TCP"
    return f"{LOOPBACK}:{port}, UDP and TCP"


async def cloudflare(instance: Instance) -> str:
    """Cloudflare's API on loopback."""
    options = CloudflareOptions(
        host=LOOPBACK,
        port=instance.settings.ports.cloudflare,
        token=instance.tokens["cloudflare"],
        zones=instance.settings.cloudflare_zones,
        ranges=(f"{instance.settings.proxy_address}/32",),
    )
    service = await start_cloudflare(options, instance.rows, instance.records)
    instance.ends.push_async_callback(service.close)
    instance.endpoints["cloudflare"] = service.url
    return service.url


async def proxy(instance: Instance) -> str:
    """The edge that proxied names point to."""
    settings, ports = instance.settings, instance.settings.ports
    if settings.backend == "container":
        held = held_address(settings.gateway, settings.proxy_address)
        instance.ends.callback(held.release)
    options = ProxyOptions(
        address=settings.proxy_address,
        port=ports.proxy,
        http_port=ports.proxy_http,
        origin_port=instance.web_ports[0],
        origin_http_port=instance.web_ports[1],
        bundle=instance.folder / "ca.pem",
    )
    origins = Origins(instance.zones)
    running = await start_proxy(options, origins, instance.authority, instance.visitors)
    instance.ends.push_async_callback(running.close)
    instance.endpoints["proxy"] = f"{options.address}:{running.port}"
    instance.endpoints["proxy_http"] = f"{options.address}:{running.http_port}"
    instance.special_ports[options.address] = (running.port, running.http_port)
    return f"{options.address}, ports {running.port} (TLS) and {running.http_port}"


async def registry(instance: Instance) -> str:
    """The image registry, for machines by name and for the host on loopback."""
    address = instance.settings.gateway
    port = instance.settings.ports.registry or free_port(address)
    blobs = instance.settings.registry_data or instance.folder / "registry"
    child = await start_registry(
        RegistryOptions(address=address, port=port, blobs=blobs),
        folder=instance.folder,
        authority=instance.authority,
        binaries=instance.settings.binaries,
    )
    instance.ends.push_async_callback(child.stop)
    await _on_loopback(instance, address, port)
    instance.endpoints["registry"] = f"{REGISTRY_HOST}:{port}"
    instance.endpoints["registry_push"] = f"{LOOPBACK}:{port}"
    return f"{REGISTRY_HOST}:{port}; push to {LOOPBACK}:{port}"


async def acme(instance: Instance) -> str:
    """Pebble; its issuing root joins the trust bundle."""
    settings, ports = instance.settings, instance.settings.ports
    address = settings.gateway
    port = ports.acme or free_port(address)
    options = AcmeOptions(
        address=address,
        port=port,
        management_port=ports.acme_management or free_port(LOOPBACK),
        dns=str(instance.endpoints["dns"]),
        http_port=instance.web_ports[1],
        tls_port=instance.web_ports[0],
        nonce_reject=settings.nonce_reject,
    )
    child, root = await start_acme(
        options, folder=instance.folder, authority=instance.authority, binaries=settings.binaries
    )
    instance.ends.push_async_callback(child.stop)
    await _on_loopback(instance, address, port)
    write_bundle(instance, root)
    instance.endpoints["acme"] = f"https://{ACME_HOST}:{port}/dir"
    return f"https://{ACME_HOST}:{port}/dir (accounts and issuing root are new at every start)"


async def edge(instance: Instance) -> str:
    """The way in from the desk: TLS by server name, HTTP by Host."""
    ports = instance.settings.ports
    through = PassThrough(
        addresses=instance.zones.addresses,
        port=instance.web_ports[0],
        http_port=instance.web_ports[1],
        visitors=instance.visitors,
        special=instance.special_ports,
    )
    tls = await _listen(instance, Listener(through.serve_tls), LOOPBACK, ports.edge)
    http = await _listen(instance, Listener(through.serve_http), LOOPBACK, ports.edge_http)
    instance.endpoints["edge"] = f"{LOOPBACK}:{tls}"
    instance.endpoints["edge_http"] = f"{LOOPBACK}:{http}"
    return f"{LOOPBACK}:{tls} (TLS) and {LOOPBACK}:{http} (HTTP)"


async def _listen(instance: Instance, listener: Listener, host: str, port: int) -> int:
    instance.ends.push_async_callback(listener.close)
    return await listener.listen(host, port)


async def _on_loopback(instance: Instance, address: str, port: int) -> None:
    """Make what listens on the gateway reachable on loopback, under the same port."""
    if address != LOOPBACK:
        await _listen(instance, forwarder(address, port), LOOPBACK, port)


async def model(instance: Instance) -> str:
    """The model server: with TLS for machines, plain with `/_admin` on loopback."""
    # Imported here: the encoder is heavy, and many instances run without it.
    from localcloud.model import ModelSettings, start_model

    ports, gateway = instance.settings.ports, instance.settings.gateway
    made = [key for key, _ in instance.rows.load(MODEL_KEY)]
    running = await start_model(
        host=LOOPBACK,
        port=ports.model_local,
        tls=None,
        settings=ModelSettings(keys=[instance.tokens["model"], *made]),
        keep_key=lambda key: instance.rows.put(MODEL_KEY, key, {}),
    )
    instance.ends.push_async_callback(running.close)
    addresses = dict.fromkeys((LOOPBACK, gateway))
    tls = instance.authority.certificate(MODEL_HOST, "localhost", *addresses).server_context()
    url = await running.also(host=gateway, port=ports.model, tls=tls, serve_admin=False)
    port = url.rpartition(":")[2]
    instance.endpoints["model"] = f"https://{MODEL_HOST}:{port}"
    instance.endpoints["model_local"] = running.url
    return f"https://{MODEL_HOST}:{port}; from here {running.url}"


def write_bundle(instance: Instance, *roots: str) -> Path:
    """The trust bundle: the local root and what else issues certificates here."""
    path = instance.folder / "ca.pem"
    write_whole(
        path, "".join(pem.rstrip("\n") + "\n" for pem in (instance.authority.root_pem, *roots))
    )
    instance.endpoints["ca"] = str(path)
    return path


ORDER: tuple[tuple[str, Start], ...] = (
    ("machines", machines),
    ("dns", dns),
    ("hetzner", hetzner),
    ("cloudflare", cloudflare),
    ("proxy", proxy),
    ("registry", registry),
    ("acme", acme),
    ("model", model),
    ("edge", edge),
)
