"""The host agent's decisions, beside a root folder of its own; programs are not run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tenant_operator.host.hardening import observe
from tenant_operator.host.hardening.hostagent import files, harden, records, stack
from tenant_operator.host.hardening.hostagent.failures import brief, classify, redact
from tenant_operator.host.hardening.hostagent.places import Places
from tenant_operator.host.hardening.hostagent.records import Progress, Record

OWN = (os.getuid(), os.getgid())


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("write /var/lib/docker: no space left on device", "disk-full"),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by 812", "apt-locked"),
        ("E: Unable to acquire the dpkg frontend lock", "apt-locked"),
        ("manifest for r/a@sha256:1 not found: manifest unknown", "image-missing"),
        ("unauthorized: authentication required", "registry-denied"),
        ("pull access denied for a, repository does not exist", "registry-denied"),
        ("net/http: TLS handshake timeout", "pull-failed"),
    ],
)
def test_an_error_text_is_sorted(text: str, failure: str) -> None:
    assert classify(text, otherwise="pull-failed") == failure


def test_a_long_text_keeps_its_end_where_the_cause_is() -> None:
    assert brief("noise\n" * 500 + "the cause", limit=40).endswith("the cause")
    assert len(brief("noise\n" * 500, limit=40)) <= 41


def test_secret_values_are_cut_out() -> None:
    assert redact("password is hunter22", ["hunter22", "is"]) == "password is [secret]"


def test_a_file_is_replaced_whole_and_only_when_it_differs(places: Places) -> None:
    path = places.at("/etc/x")
    assert files.ensure(path, b"one", mode=0o600, owner=OWN)
    assert not files.ensure(path, b"one", mode=0o600, owner=OWN)
    assert files.ensure(path, b"one", mode=0o644, owner=OWN)
    assert files.ensure(path, b"two", mode=0o644, owner=OWN)
    assert path.read_bytes() == b"two"
    assert [item.name for item in path.parent.iterdir()] == ["x"]


def test_a_link_in_the_place_of_a_file_is_not_that_file(places: Places) -> None:
    target = places.at("/etc/target")
    files.ensure(target, b"x", owner=OWN)
    folder = places.at("/etc/folder")
    folder.mkdir()
    assert not files.same(folder, b"", mode=0o755, owner=OWN)


@pytest.mark.parametrize(
    ("state", "current", "color"),
    [({}, True, "blue"), ({"color": "blue"}, True, "blue"), ({"color": "blue"}, False, "green"),
     ({"color": "green"}, False, "blue"), ({"color": "mauve"}, True, "blue")],
)  # fmt: skip
def test_a_changed_agent_goes_to_the_idle_slot(
    state: dict[str, str], current: bool, color: str
) -> None:
    class Project:
        """Answers what Compose would."""

        def is_current(self, service: str) -> bool:
            """Whether the running container has the wanted definition."""
            assert service == f"agent-{state['color']}"
            return current

    assert stack.choose_color(Project(), state) == color  # type: ignore[arg-type]


def test_the_state_file_remembers_the_release_before(places: Places, needs_root: None) -> None:
    stack.write_state(places, digest="r1", color="blue", before={})
    stack.write_state(places, digest="r2", color="green", before=stack.read_state(places))
    stack.write_state(places, digest="r2", color="green", before=stack.read_state(places))
    state = stack.read_state(places)
    assert (state["release"], state["previous"], state["color"]) == ("r2", "r1", "green")


@pytest.fixture
def needs_root() -> None:
    if os.getuid() != 0:
        pytest.skip("files of root's can be made by root only")


def test_a_job_tells_what_it_does_and_how_it_ended(places: Places, needs_root: None) -> None:
    progress = Progress(places, Record(name="deploy", digest="d", phase="running"))
    progress.say("pulling")
    found = records.read(places, "deploy")
    assert found is not None
    assert (found.phase, found.message) == ("running", "pulling")
    progress.end(failure="disk-full", message="no room")
    found = records.read(places, "deploy")
    assert found is not None
    assert (found.phase, found.failure, found.message) == ("failed", "disk-full", "no room")
    assert records.read(places, "other") is None


def test_differences_of_files_and_settings_are_sentences(places: Places) -> None:
    places.at("/proc/sys/net").mkdir(parents=True)
    places.at("/proc/sys/net/x").write_text("1\n")
    item = {
        "name": "n",
        "files": [{"path": "/etc/n", "content": "c", "mode": 0o644}],
        "absent": ["/proc/sys/net/x"],
        "sysctls": {"net.x": "0", "net.absent": "1"},
    }
    assert list(harden.differences(places, item)) == [
        "/etc/n is not as declared",
        "/proc/sys/net/x exists",
        "net.x is 1, not 0",
    ]


@pytest.mark.parametrize(
    ("state", "status", "health"),
    [
        ("running", "Up 3 minutes (healthy)", "healthy"),
        ("running", "Up 2 seconds (health: starting)", "starting"),
        ("running", "Up 2 seconds (unhealthy)", "unhealthy"),
        ("running", "Up 2 seconds", "running"),
        ("exited", "Exited (137) 4 seconds ago", "exited"),
    ],
)
def test_a_containers_status_becomes_one_word(state: str, status: str, health: str) -> None:
    assert observe.health(state, status) == health


def job(folder: Path, name: str, phase: str, message: str = "") -> None:
    record = {"name": name, "phase": phase, "message": message}
    (folder / f"{name}.json").write_text(json.dumps(record))


def test_only_what_runs_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "JOBS", tmp_path)
    monkeypatch.setattr(observe, "cloud_init", lambda: ("done", ""))
    job(tmp_path, "harden", "done")
    assert observe.going_on() == []
    observe.await_news(1e9)
    job(tmp_path, "deploy", "running", "starting database and queue")
    assert observe.going_on() == ["deploy: starting database and queue"]


@pytest.mark.parametrize(("phase", "message"), [("done", "live"), ("running", "migrating")])
def test_an_end_and_a_new_word_are_news(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str, message: str
) -> None:
    monkeypatch.setattr(observe, "JOBS", tmp_path)
    monkeypatch.setattr(observe, "cloud_init", lambda: ("done", ""))
    job(tmp_path, "deploy", "running", "starting")
    glances: list[float] = []

    def glance(seconds: float) -> None:
        glances.append(seconds)
        if len(glances) == 3:
            job(tmp_path, "deploy", phase, message)

    monkeypatch.setattr("time.sleep", glance)
    observe.await_news(1e9)
    assert len(glances) == 3


def test_hardening_leaves_word_that_nothing_differs(places: Places) -> None:
    listed = places.at("/list.json")
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text(json.dumps({"items": []}))
    progress = Progress(places, Record(name="harden", digest="", phase="running"))
    harden.apply_list(places, ["/list.json"], progress)
    assert json.loads(places.drift.read_text()) == {}
