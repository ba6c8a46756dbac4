"""Puts a release into service, and takes the stack out of service.

Order: room on the disks → images → files → database and queue → migration → the agent (in the idle
slot when its definition changed) → the worker and Traefik's routes → state file → the other slot
drains and stops → old releases and images go. Traffic moves only to a healthy agent, and a release
that is not healthy takes nothing of the running one along.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import certificate, compose, docker, files
from .failures import JobError
from .places import Places
from .process import must, run
from .records import Progress, now

FREE_MIB = 1024
OTHER = {"blue": "green", "green": "blue"}


def deploy(places: Places, argv: Sequence[str], progress: Progress) -> str:
    """Make release `argv[0]` the live one."""
    digest = argv[0]
    folder = places.releases / digest
    images = json.loads((folder / "images.json").read_text())
    check_room(places)
    docker.pull_all(images, progress)
    install(places, folder)
    project = compose.Project(folder / "compose.yaml")
    before = read_state(places)
    color = choose_color(project, before)
    progress.say("starting database and queue")
    bring_up_base(places, project, folder, before, color)
    start_agent(project, before, color, progress)
    if serves(before):
        # It comes up while traffic moves and the old slot drains.
        project.up(["worker"], wait=False)
    switch(places, project, folder, color)
    write_state(places, digest=digest, color=color, before=before)
    if serves(before):
        project.remove(f"agent-{OTHER[color]}")
        project.up(["worker"])
    prune(places, images)
    certificate.expect(places, digest, progress)
    return f"release {digest} serves from agent-{color}"


def check_room(places: Places) -> None:
    """Refuse to start what a full disk would leave half done."""
    if not run(["mountpoint", "--quiet", str(places.data)]).ok:
        raise JobError("disk-missing", "/srv/tenant is not mounted: no container may write there")
    for path in (places.at("/var/lib"), places.data):
        stats = os.statvfs(path)
        free = stats.f_bavail * stats.f_frsize // 2**20
        if free < FREE_MIB // (1 if path != places.data else 8):
            raise JobError(
                "disk-full", f"{path} has {free} MiB free, not enough free space for a release"
            )


def install(places: Places, folder: Path) -> None:
    """Make the declared folders and copy what lies below `root/` to its place."""
    for path, wanted in json.loads((folder / "directories.json").read_text()).items():
        files.ensure_folder(places.at(path), mode=wanted["mode"], uid=wanted["uid"])
    root = folder / "root"
    for source in sorted(path for path in root.rglob("*") if path.is_file()):
        found = source.stat()
        files.ensure(
            places.at(str(source.relative_to(root))),
            source.read_bytes(),
            mode=found.st_mode & 0o777,
            owner=(found.st_uid, found.st_gid),
        )


def serves(before: Mapping[str, Any]) -> bool:
    """Whether a release was live."""
    return before.get("color") in OTHER


def choose_color(project: compose.Project, before: Mapping[str, Any]) -> str:
    """The live slot when nothing about it changed, otherwise the idle one."""
    if not serves(before):
        return "blue"
    live = str(before["color"])
    return live if project.is_current(f"agent-{live}") else OTHER[live]


def bring_up_base(
    places: Places,
    project: compose.Project,
    folder: Path,
    before: Mapping[str, Any],
    color: str,
) -> None:
    """Database and queue; on a first release the proxy too, so that its certificate comes early."""
    project.up(["postgres", "redis"])
    if not before.get("release"):
        install_routes(places, folder, color)
        project.up(["traefik"], wait=False)


def start_agent(
    project: compose.Project, before: Mapping[str, Any], color: str, progress: Progress
) -> None:
    """Migrate, then start the slot; one that is current was migrated before.

    A first release has no worker that could be lost: it comes up beside the agent.

    Raises:
        JobError: not healthy; an idle slot is stopped again, it would be restarted for ever.
    """
    slot = f"agent-{color}"
    progress.say(f"migrating and starting {slot}")
    if not project.is_current(slot):
        project.migrate(color)
    try:
        project.up([slot] if serves(before) else [slot, "worker"])
    except JobError:
        if serves(before) and before["color"] != color:
            project.remove(slot)
        raise


def switch(places: Places, project: compose.Project, folder: Path, color: str) -> None:
    """Move traffic by replacing the file that Traefik watches."""
    install_routes(places, folder, color)
    project.up(["traefik"])


def install_routes(places: Places, folder: Path, color: str) -> None:
    """Put one colour's routes in Traefik's watched folder."""
    files.ensure(places.routes, (folder / "routes" / f"{color}.yaml").read_bytes())


def read_state(places: Places) -> dict[str, Any]:
    """What the state file says; empty before the first release."""
    try:
        state = json.loads(places.state.read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(places: Places, *, digest: str, color: str, before: Mapping[str, Any]) -> None:
    """Say which release is live and which one was before it."""
    live = before.get("release")
    previous = live if live != digest else before.get("previous")
    state = {"release": digest, "color": color, "previous": previous, "at": now()}
    files.replace(places.state, json.dumps(state).encode() + b"\n")


def prune(places: Places, images: Sequence[str]) -> None:
    """Drop releases and images that are neither live nor the one to go back to."""
    state = read_state(places)
    keep = {state.get("release"), state.get("previous")}
    for folder in places.releases.glob("*"):
        if folder.name not in keep and folder.is_dir():
            shutil.rmtree(folder)
    wanted = set(images)
    for listed in places.releases.glob("*/images.json"):
        wanted.update(json.loads(listed.read_text()))
    repositories = {image.partition("@")[0] for image in images}
    for image in docker.present(repositories) - wanted:
        run(["docker", "image", "rm", image])


def stop(places: Places, _: Sequence[str], progress: Progress) -> str:
    """Stop every service, then let go of the data disk so that its file system is clean."""
    progress.say("stopping the stack")
    if run(["docker", "version"]).ok:
        for folder in places.releases.glob("*/compose.yaml"):
            compose.Project(folder).down()
    files.replace(places.state, b"{}\n")
    if run(["mountpoint", "--quiet", str(places.data)]).ok:
        run(["systemctl", "stop", "tenant-data.service"])
        run(["sync", "-f", str(places.data)])
        must(["umount", str(places.data)])
    return "stopped"
