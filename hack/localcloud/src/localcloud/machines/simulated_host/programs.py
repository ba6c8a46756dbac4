"""The programs a simulated machine has. What is not here ends with 127, as on a real machine.

Each takes the machine and its arguments and returns how it ended; it changes the machine's state
the way the real program would, as far as anybody looks at it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Callable, Sequence

from localcloud.machines.simulated_host.basics import run_basic
from localcloud.machines.simulated_host.ended import Ended
from localcloud.machines.simulated_host.host import DATA, Host

PACKAGED = {
    "docker": "docker-cli",
    "nft": "nftables",
    "fail2ban-client": "fail2ban",
}
UNITS_OF = {
    "docker.io": "docker.service",
    "fail2ban": "fail2ban.service",
    "auditd": "auditd.service",
    "systemd-timesyncd": "systemd-timesyncd.service",
}
STOCK_UNITS = ("ssh.service", "systemd-journald.service", "apt-daily.timer",
               "apt-daily-upgrade.timer")  # fmt: skip
FAULT_TEXTS = {
    "apt-locked": "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812",
    "apt-failed": "E: Failed to fetch http://deb.debian.org/debian/ Connection failed",
    "disk-full": "write /var/lib/docker/tmp: no space left on device",
    "pull-failed": "Error response from daemon: Get registry: net/http: TLS handshake timeout",
    "image-missing": "Error response from daemon: manifest unknown: manifest unknown",
    "registry-denied": "Error response from daemon: pull access denied, unauthorized",
}


Program = Callable[[Host, Sequence[str]], Ended]


def run(host: Host, argv: Sequence[str]) -> Ended:
    """Run a program by name or path, without input."""
    basic = run_basic(host.files, argv, b"")
    if basic is not None:
        return basic
    name = argv[0].rsplit("/", 1)[-1]
    package = PACKAGED.get(name)
    program = PROGRAMS.get(name)
    if program is None or (package is not None and package not in host.packages):
        return Ended(127, "", f"{argv[0]}: no such program")
    return program(host, argv[1:])


def _nothing(_host: Host, _argv: Sequence[str]) -> Ended:
    return Ended()


def _mkdir(host: Host, argv: Sequence[str]) -> Ended:
    for path in argv:
        if not path.startswith("-"):
            host.files.mkdir(path)
    return Ended()


def _chmod(host: Host, argv: Sequence[str]) -> Ended:
    mode, *paths = [word for word in argv if not word.startswith("-")]
    for path in paths:
        if host.files.get(path) is None:
            return Ended(1, "", f"chmod: cannot access '{path}': No such file or directory")
        host.files.change(path, mode=int(mode, 8))
    return Ended()


def _sha256sum(host: Host, argv: Sequence[str]) -> Ended:
    lines = []
    for path in argv:
        content = host.files.read(path)
        if content is None:
            return Ended(1, "", f"sha256sum: {path}: No such file or directory")
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {path}\n")
    return Ended(out="".join(lines))


def _rm(host: Host, argv: Sequence[str]) -> Ended:
    for path in argv:
        if not path.startswith("-"):
            host.files.remove(path)
    return Ended()


def _sh(host: Host, argv: Sequence[str]) -> Ended:
    """`sh -c` of one plain command, or of a loop that waits for one."""
    line = argv[1] if len(argv) > 1 and argv[0] == "-c" else ""
    loop = re.fullmatch(r"until (.+?); do sleep [\d.]+; done", line)
    plain = loop.group(1) if loop else line
    if not plain or re.search(r"[|&;<>$`]", plain):
        return Ended(127, "", f"sh: the simulated machine cannot run: {line}")
    return run(host, shlex.split(plain))


def _timeout(host: Host, argv: Sequence[str]) -> Ended:
    return run(host, argv[1:])


def _systemctl(host: Host, argv: Sequence[str]) -> Ended:
    verb, *rest = [word for word in argv if not word.startswith("-")]
    now = "--now" in argv
    if verb == "show":
        return Ended(out=_show(host, rest[0], argv))
    if verb == "is-active":
        return Ended(0 if host.units.get(rest[0]) == "active" else 3)
    for unit in rest:
        if failure := _unit(host, verb, unit, now=now):
            return failure
    return Ended()


def _installed(host: Host, unit: str) -> bool:
    ours = host.files.get(f"/etc/systemd/system/{unit}") is not None
    ours = ours or host.files.get(f"/run/systemd/system/{unit}") is not None
    packaged = {UNITS_OF[name] for name in host.packages if name in UNITS_OF}
    return ours or unit in packaged or unit in STOCK_UNITS


def _unit(host: Host, verb: str, unit: str, *, now: bool) -> Ended | None:
    """Apply a verb to one unit; returns the failure, None when all went well."""
    if verb.startswith("try-") or verb == "reset-failed":
        return None
    if not _installed(host, unit):
        return Ended(5, "", f"Unit {unit} not found.")
    if verb in {"start", "restart", "reload"} or (verb == "enable" and now):
        host.units[unit] = "active"
    elif verb == "enable":
        host.units.setdefault(unit, "inactive")
    elif verb in {"stop", "disable"}:
        host.units[unit] = "inactive"
    return None


def _show(host: Host, unit: str, argv: Sequence[str]) -> str:
    wanted = next((word.split("=", 1)[1] for word in argv if word.startswith("--property=")), "")
    state = host.units.get(unit, "inactive")
    stock = unit in STOCK_UNITS and unit not in host.units
    facts = {
        "ActiveState": "active" if stock else state,
        "ConditionResult": "yes",
        "UnitFileState": "enabled" if unit in host.units or stock else "disabled",
        "ConditionTimestampMonotonic": "1000",
    }
    chosen = {key: facts.get(key, "") for key in wanted.split(",")}
    if "--value" in argv:
        return "".join(f"{value}\n" for value in chosen.values())
    return "".join(f"{key}={value}\n" for key, value in chosen.items())


def _sshd(host: Host, argv: Sequence[str]) -> Ended:
    """`-t` checks that there is a key; `-T` prints settings, the first of each kind winning."""
    if "-T" not in argv:
        return Ended()
    settings: dict[str, str] = {}
    for _, node in host.files.files("/etc/ssh/sshd_config.d"):
        for line in (node.content or b"").decode().splitlines():
            key, _, value = line.strip().partition(" ")
            if key and not key.startswith("#"):
                settings.setdefault(key.lower(), value)
    return Ended(out="".join(f"{key} {value}\n" for key, value in settings.items()))


def _apt_get(host: Host, argv: Sequence[str]) -> Ended:
    if host.faults.job in {"apt-locked", "apt-failed"} or (
        host.faults.job == "disk-full" and "install" in argv
    ):
        return Ended(100, "", FAULT_TEXTS[host.faults.job])
    words = [word for word in argv if not word.startswith("-")]
    if words[:1] == ["install"]:
        host.packages.update(words[1:])
        for package in words[1:]:
            if unit := UNITS_OF.get(package):
                host.units[unit] = "active"
    return Ended()


def _dpkg_query(host: Host, argv: Sequence[str]) -> Ended:
    asked = [word for word in argv if not word.startswith("-")]
    there = [name for name in asked if name in host.packages]
    text = "".join(f"{name} installed\n" for name in there)
    return Ended(0 if len(there) == len(asked) else 1, text)


def _apt_config(host: Host, _argv: Sequence[str]) -> Ended:
    """`dump`: the settings of apt.conf.d, lists flattened as apt prints them."""
    out: list[str] = []
    for _, node in host.files.files("/etc/apt/apt.conf.d"):
        scope = ""
        for line in (node.content or b"").decode().splitlines():
            text = line.strip().rstrip(";")
            if text.endswith("{"):
                scope = text.rstrip(" {")
            elif text.startswith("}"):
                scope = ""
            elif text and not text.startswith("//"):
                out.append(f"{scope}:: {text};" if scope else f"{text};")
    return Ended(out="\n".join(out) + "\n")


def _nft(host: Host, argv: Sequence[str]) -> Ended:
    """`list` shows what the firewall's unit loaded."""
    if "list" not in argv:
        return Ended()
    if host.units.get("tenant-firewall.service") != "active":
        return Ended(1, "", "Error: No such file or directory; did you mean table?")
    return Ended(out=host.files.text("/etc/tenant/firewall.nft"))


def _fail2ban(host: Host, argv: Sequence[str]) -> Ended:
    if "--test" in argv:
        return Ended(out="OK: configuration test is successful\n")
    if host.units.get("fail2ban.service") != "active":
        return Ended(255, "", "Failed to access socket path: is fail2ban running?")
    match = re.search(r"^journalmatch = (.*)$", host.files.text("/etc/fail2ban/jail.local"), re.M)
    listed = f"Journal matches:\t{match.group(1)}" if match else ""
    return Ended(out=f"Status for the jail: sshd\n   `- {listed}\n")


def _docker(host: Host, argv: Sequence[str]) -> Ended:
    if host.units.get("docker.service") != "active":
        return Ended(1, "", "Cannot connect to the Docker daemon. Is the docker daemon running?")
    if argv[:1] == ["version"]:
        return Ended(out="26.1.5\n")
    if argv[:1] == ["info"]:
        settings = json.loads(host.files.text("/etc/docker/daemon.json") or "{}")
        live = str(bool(settings.get("live-restore"))).lower()
        return Ended(out=f"{live} {settings.get('log-driver', 'json-file')}\n")
    if argv[:1] == ["pull"]:
        return _pull(host, argv[-1])
    if argv[:1] == ["ps"]:
        lines = (f"{name}\trunning\tUp ({state})\n" for name, state in host.services.items())
        return Ended(out="".join(lines))
    return Ended(127, "", f"docker: the simulated machine cannot run: docker {' '.join(argv)}")


def _pull(host: Host, image: str) -> Ended:
    if host.faults.job in {"pull-failed", "image-missing", "registry-denied", "disk-full"}:
        return Ended(1, "", FAULT_TEXTS[host.faults.job])
    host.images.add(image)
    return Ended(out=f"{image}\n")


def _sysctl(host: Host, argv: Sequence[str]) -> Ended:
    for line in host.files.text(argv[0]).splitlines():
        key, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            host.sysctls[key.strip()] = value.strip()
    return Ended()


def _mountpoint(host: Host, argv: Sequence[str]) -> Ended:
    return Ended(0 if argv[-1] == DATA and host.mounted is not None else 32)


def _umount(host: Host, _argv: Sequence[str]) -> Ended:
    host.mounted = None
    return Ended()


def _cloud_init(host: Host, _argv: Sequence[str]) -> Ended:
    done = host.files.read("/run/cloud-init/result.json") is not None
    return Ended(out=f"status: {'done' if done else 'running'}\n")


def _hostname(host: Host, _argv: Sequence[str]) -> Ended:
    return Ended(out=f"{host.hostname}\n")


def _detect_virt(_host: Host, _argv: Sequence[str]) -> Ended:
    return Ended(1, "none\n")


PROGRAMS: dict[str, Program] = {
    "apt-config": _apt_config,
    "apt-get": _apt_get,
    "chage": _nothing,
    "chmod": _chmod,
    "cloud-init": _cloud_init,
    "docker": _docker,
    "dpkg-query": _dpkg_query,
    "fail2ban-client": _fail2ban,
    "hostname": _hostname,
    "mkdir": _mkdir,
    "mountpoint": _mountpoint,
    "nft": _nft,
    "rm": _rm,
    "sh": _sh,
    "sha256sum": _sha256sum,
    "sshd": _sshd,
    "sync": _nothing,
    "systemctl": _systemctl,
    "systemd-detect-virt": _detect_virt,
    "systemd-sysctl": _sysctl,
    "timeout": _timeout,
    "true": _nothing,
    "umount": _umount,
    "update-ca-certificates": _nothing,
}
