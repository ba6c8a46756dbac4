"""The real adapters, put together from a fleet's logins."""

from __future__ import annotations

from tenant_operator.account import CloudLogin, DnsLogin
from tenant_operator.app import Adapters
from tenant_operator.cloud.hetzner import HetznerCloud, hetzner_api
from tenant_operator.cloud.port import Cloud
from tenant_operator.dns.hetzner_dns import HetznerDns
from tenant_operator.dns.port import Dns
from tenant_operator.host.ssh import SshHosts
from tenant_operator.outside.https import HttpsOutside

HETZNER_ENDPOINT = "https://api.hetzner.cloud/v1"


def real_adapters() -> Adapters:
    """Hetzner, Cloudflare, SSH and HTTPS."""
    return Adapters(cloud=_cloud, dns=_dns, hosts=SshHosts(), outside=HttpsOutside())


def _cloud(login: CloudLogin) -> Cloud:
    return HetznerCloud(hetzner_api(login.token, endpoint=login.endpoint))


def _dns(login: DnsLogin) -> Dns:
    if login.provider == "cloudflare":
        # Imported where it is used: Cloudflare's SDK takes a fifth of the process's memory.
        from tenant_operator.dns.cloudflare import CloudflareDns

        return CloudflareDns(login.token, zone=login.zone, endpoint=login.endpoint or None)
    endpoint = login.endpoint or HETZNER_ENDPOINT
    return HetznerDns(hetzner_api(login.token, endpoint=endpoint), zone=login.zone)
