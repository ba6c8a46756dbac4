"""The cloud that servers, disks and addresses come from: a port and its adapters."""
