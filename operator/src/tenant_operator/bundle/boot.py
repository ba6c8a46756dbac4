"""cloud-init's `user_data`: only what must have happened before the first SSH connection.

It can be read from the metadata address by anything on the machine until the firewall is up, so it
holds no lasting secret: the host key in it is replaced over the first connection.
"""

from __future__ import annotations

from typing import Any

import yaml

from tenant_operator.core.stack import BootInputs

# Until the hardening list's own file is there, which comes before it and decides then.
SSHD_BASELINE = """\
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowUsers root
"""


def user_data(inputs: BootInputs) -> str:
    """A `#cloud-config` document of at most a few KiB."""
    return "#cloud-config\n" + yaml.dump(document(inputs), Dumper=_Blocks, sort_keys=False)


def document(inputs: BootInputs) -> dict[str, Any]:
    """The same as data."""
    return {
        "hostname": inputs.hostname,
        "preserve_hostname": False,
        "disable_root": False,
        "ssh_pwauth": False,
        "ssh_deletekeys": True,
        "ssh_genkeytypes": [],
        "ssh_keys": {
            "ed25519_private": inputs.host_key.private.strip() + "\n",
            "ed25519_public": inputs.host_key.public.strip(),
        },
        "ssh_publish_hostkeys": {"enabled": False},
        "users": [
            {
                "name": "root",
                "lock_passwd": True,
                "ssh_authorized_keys": [inputs.client_public_key.strip()],
            }
        ],
        "package_update": False,
        "package_upgrade": False,
        "write_files": [
            {
                "path": "/etc/ssh/sshd_config.d/10-boot.conf",
                "permissions": "0600",
                "content": SSHD_BASELINE,
            }
        ],
        # A root password that Hetzner sets is expired, and PAM then refuses even key logins.
        "runcmd": [["chage", "--lastday", "-1", "--maxdays", "-1", "root"], RELOAD],
        **trust(inputs.ca_bundle),
    }


RELOAD = ["systemctl", "try-reload-or-restart", "ssh.service"]


def trust(ca_bundle: str) -> dict[str, Any]:
    """The Fleet's private CAs, where it has any: a private package mirror needs them at once."""
    return {"ca_certs": {"trusted": [ca_bundle]}} if ca_bundle.strip() else {}


class _Blocks(yaml.CSafeDumper):
    """Writes texts with several lines as blocks."""


def _text(dumper: yaml.CSafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Blocks.add_representer(str, _text)
