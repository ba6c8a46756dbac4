"""Whose Fleet it is: what another installation made carries another name in its labels."""

from __future__ import annotations

from tenant_operator.core.names import Identity
from tenant_operator.core.results import Stop


def made_elsewhere(fleet: Identity, recorded: str | None) -> Stop | None:
    """Why nothing may be done for a Fleet and its tenants; None when it is this installation's.

    Under another name everything that exists looks foreign: names would be in conflict, and the
    deletion of a Tenant would find nothing to remove.
    """
    if not recorded or recorded == fleet.installation:
        return None
    patch = '{"status":{"installation":null}}'
    return Stop(
        "OtherInstallation",
        f"Fleet {fleet.name} was made by the installation {recorded}, and this operator is "
        f"{fleet.installation}: it does nothing for the Fleet and its tenants, as their things "
        "would look foreign to it. To go on with them, start it with "
        f"OPERATOR_INSTALLATION={recorded}. To leave them behind and make all of them anew: "
        f"kubectl patch fleet {fleet.name} -n {fleet.namespace} --subresource status --type merge "
        f"-p '{patch}'",
        after=30,
    )
