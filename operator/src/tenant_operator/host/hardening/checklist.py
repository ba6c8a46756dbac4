"""The declared hardening list: what a machine must be, item by item, as data.

Each item says why, which packages, files, units and settings it wants, how to look and what to run
when something differs; the host agent interprets it (`hostagent.harden`). Items run in this order.
A check that names the files deciding it (`reads`) is not repeated while they are the same.
An `early` item's files are placed before anything is installed, so that a service starts with them
the first time. Bars: `ssh-audit`'s Debian 13 policy and CIS Docker for the daemon.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any, Final

from tenant_operator.core.stack import HardenInputs, RegistryAccess

Item = dict[str, Any]

PACKAGES: Final = (
    "ca-certificates",
    "docker.io",
    "docker-cli",
    "docker-compose",
    "fail2ban",
    "python3-systemd",
    "nftables",
    "unattended-upgrades",
    "systemd-timesyncd",
    "xfsprogs",
)
SSHD = "/etc/ssh/sshd_config.d/00-tenant.conf"
TRUST_DIR = "/usr/local/share/ca-certificates/tenant"
CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----"
)
EVERYBODY = ("0.0.0.0/0", "::/0")


def hardening(inputs: HardenInputs) -> list[Item]:
    """The whole list for one tenant's machine."""
    return [*fleet_wide(inputs), authorized_keys(inputs.client_public_key)]


def fleet_wide(inputs: HardenInputs) -> list[Item]:
    """What is the same on every machine of a fleet, and so lies on its snapshot already."""
    return [
        *trust(inputs.ca_bundle, registry_host=inputs.registry_host),
        docker_settings(),
        ban_settings(inputs.operator_networks),
        sshd(),
        packages(),
        firewall(inputs),
        bans(),
        docker(),
        upgrades(),
        network_settings(),
        kernel_settings(),
        audit(),
        time_sync(),
        journal(),
        certificate_retry(),
        data_disk(),
    ]


@cache
def text(name: str) -> str:
    """A file that lies beside this module; read once, for the list is made on every pass."""
    return (files(__package__) / "files" / name).read_text()


def placed(path: str, content: str, *, mode: int = 0o644) -> dict[str, Any]:
    """A file of root's on the machine."""
    return {"path": path, "content": content, "mode": mode}


def trust(ca_bundle: str, *, registry_host: str) -> list[Item]:
    """The Fleet's private CAs for everything on the machine and for dockerd's registry."""
    found = CERTIFICATE.findall(ca_bundle)
    if not found:
        return []
    single = [
        placed(f"{TRUST_DIR}/ca-{number}.crt", f"{pem}\n") for number, pem in enumerate(found)
    ]
    whole = "".join(f"{pem}\n" for pem in found)
    registry = [placed(f"/etc/docker/certs.d/{registry_host}/ca.crt", whole)] * bool(registry_host)
    return [
        {
            "name": "trust",
            "why": "the Fleet's own certificate authorities are trusted",
            "early": True,
            "files": [*single, *registry],
            "packages": ["ca-certificates"],
            "apply": [["update-ca-certificates"]],
        }
    ]


def packages() -> Item:
    """Docker, the packet filter, bans, updates, clock, XFS."""
    return {
        "name": "packages",
        "why": "the programs the host needs are installed",
        "packages": list(PACKAGES),
    }


def sshd() -> Item:
    """Keys only; checked on the settings sshd really uses, not on the file."""
    effective = (
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "permitrootlogin (without-password|prohibit-password)",
        "maxauthtries 3",
        "allowusers root",
        "allowtcpforwarding no",
        "allowagentforwarding no",
        "x11forwarding no",
    )
    return {
        "name": "sshd",
        "why": "SSH takes keys only, from one account, without forwarding",
        "files": [placed(SSHD, text("sshd.conf"), mode=0o600)],
        "checks": [
            {
                "argv": ["sshd", "-T"],
                "prints": [f"^{line}$" for line in effective],
                "reads": ["/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/*", "/usr/sbin/sshd"],
            }
        ],
        "apply": [["sshd", "-t"], ["systemctl", "reload", "ssh.service"]],
    }


def firewall(inputs: HardenInputs) -> Item:
    """nftables for the host and in front of the containers."""
    ssh, web = inputs.ssh_networks or EVERYBODY, inputs.http_networks or EVERYBODY
    rules = Template(text("firewall.nft")).substitute(
        ssh4=elements(ssh, version=4),
        ssh6=elements(ssh, version=6),
        web4=elements(web, version=4),
        web6=elements(web, version=6),
    )
    return {
        "name": "firewall",
        "why": "only SSH from the agency and 80/443 come in, containers included",
        "files": [
            placed("/etc/tenant/firewall.nft", rules, mode=0o600),
            placed("/etc/systemd/system/tenant-firewall.service", text("firewall.service")),
        ],
        "units": ["tenant-firewall.service"],
        "checks": [
            {
                "argv": ["nft", "list", "table", "inet", "tenant"],
                "prints": ["hook input .* policy drop", "169.254.0.0/16 drop", "^\\s*drop$"],
            }
        ],
        "apply": [
            ["nft", "--check", "--file", "/etc/tenant/firewall.nft"],
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--quiet", "tenant-firewall.service"],
            ["systemctl", "restart", "tenant-firewall.service"],
        ],
    }


def elements(networks: Iterable[str], *, version: int) -> str:
    """The members of an nftables set; nothing for an empty one, which the grammar wants so."""
    parsed = [ipaddress.ip_network(network, strict=False) for network in networks]
    chosen = [str(network) for network in parsed if network.version == version]
    return f"elements = {{ {', '.join(chosen)} }}" if chosen else ""


def ban_settings(exempt: Sequence[str]) -> Item:
    """fail2ban's settings, in place before it is installed; only the operator is exempt.

    By its configured networks, and by the addresses it was let in from, which `observe` notes.
    """
    jail = Template(text("jail.local")).substitute(ignored=" ".join(exempt))
    return {
        "name": "ban-settings",
        "why": "refused keys are counted from the journal and banned by nftables",
        "early": True,
        "files": [placed("/etc/fail2ban/jail.local", jail)],
        "apply": [["systemctl", "try-restart", "fail2ban.service"]],
    }


def bans() -> Item:
    """fail2ban runs and watches sshd through the journal."""
    status = {
        "argv": ["fail2ban-client", "status", "sshd"],
        "prints": ["Journal matches:.*ssh"],
        "reads": ["/etc/fail2ban/*", "/etc/fail2ban/jail.d/*", "/etc/fail2ban/filter.d/sshd*"],
    }
    return {
        "name": "bans",
        "why": "whoever fails three logins is shut out",
        "units": ["fail2ban.service"],
        "checks": [status],
        "apply": [
            ["fail2ban-client", "--test"],
            ["systemctl", "enable", "--quiet", "fail2ban.service"],
            ["systemctl", "restart", "fail2ban.service"],
            ["timeout", "20", "sh", "-c", "until fail2ban-client ping; do sleep 0.2; done"],
        ],
    }


def docker_settings() -> Item:
    """daemon.json, in place before Docker is installed, so that it starts only once."""
    return {
        "name": "docker-settings",
        "why": "containers get no new privileges, do not see each other and keep small logs",
        "early": True,
        "files": [placed("/etc/docker/daemon.json", text("daemon.json"))],
        "apply": [["systemctl", "try-restart", "docker.service"]],
    }


def docker() -> Item:
    """The engine runs with the declared settings."""
    wanted = json.loads(text("daemon.json"))
    check = {
        "argv": ["docker", "info", "--format={{.LiveRestoreEnabled}} {{.LoggingDriver}}"],
        "prints": [f"^true {wanted['log-driver']}$"],
        "reads": ["/etc/docker/daemon.json"],
    }
    return {
        "name": "docker",
        "why": "the engine runs with its declared settings",
        "units": ["docker.service"],
        "checks": [check],
        "apply": [
            ["systemctl", "enable", "--quiet", "docker.service"],
            ["systemctl", "restart", "docker.service"],
        ],
    }


def upgrades() -> Item:
    """Security updates by themselves, Docker's excepted."""
    timers = ["apt-daily.timer", "apt-daily-upgrade.timer"]
    prints = ['^APT::Periodic::Unattended-Upgrade "1";', "Package-Blacklist:: .*docker"]
    return {
        "name": "upgrades",
        "why": "Debian's security updates install themselves, Docker's do not",
        "files": [placed("/etc/apt/apt.conf.d/52tenant-upgrades", text("unattended.conf"))],
        "units": timers,
        "checks": [
            {
                "argv": ["apt-config", "dump"],
                "prints": prints,
                "reads": ["/etc/apt/apt.conf", "/etc/apt/apt.conf.d/*"],
            }
        ],
        "apply": [
            [
                "systemctl",
                "enable",
                "--now",
                "--quiet",
                "apt-daily.timer",
                "apt-daily-upgrade.timer",
            ]
        ],
    }


def network_settings() -> Item:
    """Kernel settings of the machine's own network."""
    return settings("network-settings", "network.sysctl", where="anywhere")


def kernel_settings() -> Item:
    """Settings of the whole kernel; a container does not own the one it runs on."""
    return settings("kernel-settings", "kernel.sysctl", where="own-kernel")


def settings(name: str, file: str, *, where: str) -> Item:
    """A sysctl file, applied, and checked against what the kernel says."""
    content = text(file)
    path = f"/etc/sysctl.d/90-tenant-{name}.conf"
    pairs = (line.split("=", 1) for line in content.splitlines() if "=" in line)
    return {
        "name": name,
        "why": "the kernel refuses what a server never needs",
        "where": where,
        "files": [placed(path, content)],
        "sysctls": {key.strip(): value.strip() for key, value in pairs},
        "apply": [["/usr/lib/systemd/systemd-sysctl", path]],
    }


def audit() -> Item:
    """Who changed accounts, keys, Docker or our own files."""
    return {
        "name": "audit",
        "why": "changes of accounts, keys and our own files are recorded",
        "where": "own-kernel",
        "files": [placed("/etc/audit/rules.d/50-tenant.rules", text("audit.rules"), mode=0o640)],
        "packages": ["auditd"],
        "units": ["auditd.service"],
        "apply": [
            ["systemctl", "enable", "--quiet", "auditd.service"],
            ["systemctl", "start", "auditd.service"],
            ["systemctl", "try-restart", "audit-rules.service"],
        ],
    }


def time_sync() -> Item:
    """The clock follows a time server, where the machine has a clock of its own."""
    return {
        "name": "time-sync",
        "why": "certificates and logs need the right time",
        "units": ["systemd-timesyncd.service"],
        "apply": [["systemctl", "enable", "--now", "--quiet", "systemd-timesyncd.service"]],
    }


def journal() -> Item:
    """Logs survive a reboot and stay small."""
    return {
        "name": "journal",
        "why": "logs survive a reboot and never fill the disk",
        "files": [placed("/etc/systemd/journald.conf.d/10-tenant.conf", text("journald.conf"))],
        "apply": [["systemctl", "try-restart", "systemd-journald.service"]],
    }


def data_disk() -> Item:
    """The unit that mounts the data volume; which one that is, the data-disk job writes down."""
    unit = "/etc/systemd/system/tenant-data.service"
    order = "/etc/systemd/system/docker.service.d/10-tenant-data.conf"
    return {
        "name": "data-disk",
        "why": "no container starts before the data volume is mounted",
        "files": [placed(unit, text("data.service")), placed(order, text("data-first.conf"))],
        "enabled": ["tenant-data.service"],
        "apply": [
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--quiet", "tenant-data.service"],
        ],
    }


def certificate_retry() -> Item:
    """Traefik asks for a certificate once per start; the timer asks again while it is missing."""
    units = ("tenant-certificate.service", "tenant-certificate.timer")
    names = ("certificate.service", "certificate.timer")
    return {
        "name": "certificate-retry",
        "why": "a certificate that could not be had at first is asked for again",
        "files": [
            placed(f"/etc/systemd/system/{unit}", text(name))
            for unit, name in zip(units, names, strict=True)
        ],
        "units": [units[1]],
        "apply": [
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", "--quiet", units[1]],
        ],
    }


def authorized_keys(public_key: str) -> Item:
    """Exactly one key opens the machine, whatever image or cloud put there before."""
    return {
        "name": "authorized-keys",
        "why": "only the operator's key opens this machine",
        "files": [placed("/root/.ssh/authorized_keys", f"{public_key.strip()}\n", mode=0o600)],
    }


def docker_login(access: RegistryAccess) -> bytes:
    """`~/.docker/config.json` for one registry."""
    token = base64.b64encode(f"{access.username}:{access.password}".encode()).decode()
    return json.dumps({"auths": {access.host: {"auth": token}}}).encode()
