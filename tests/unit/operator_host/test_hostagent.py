"""The host agent's decisions, beside a root folder of its own; programs are not run."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from tenant_operator.host.hardening.hostagent import (
    entry,
    files,
    glance,
    harden,
    observe,
    records,
    stack,
)
from tenant_operator.host.hardening.hostagent.failures import JobError, brief, classify, redact
from tenant_operator.host.hardening.hostagent.glance import Item
from tenant_operator.host.hardening.hostagent.places import Places
from tenant_operator.host.hardening.hostagent.process import Ended
from tenant_operator.host.hardening.hostagent.proofs import Proofs
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


class Compose:
    """Notes what Compose is told; what is named in `sick` does not get healthy."""

    def __init__(self, sick: str = "") -> None:
        self.sick, self.told = sick, list[str]()

    def is_current(self, service: str) -> bool:
        """Nothing runs yet as it is wanted."""
        return False

    def migrate(self, color: str) -> None:
        """Note it."""
        self.told.append(f"migrate {color}")

    def up(self, services: Sequence[str], *, wait: bool = True) -> None:
        """Note it, or fail."""
        self.told += [f"up {service}" for service in services]
        if self.sick in services:
            raise JobError("unhealthy", f"{self.sick} is not healthy")

    def remove(self, service: str) -> None:
        """Note it."""
        self.told.append(f"remove {service}")


def progress_of(places: Places) -> Progress:
    """Where a job says what it does."""
    return Progress(places, Record(name="deploy", digest="r1", phase="running"))


def test_a_release_that_is_not_healthy_leaves_worker_and_live_slot_alone(
    places: Places, needs_root: None
) -> None:
    project, progress = Compose(sick="agent-green"), progress_of(places)
    with pytest.raises(JobError):
        stack.start_agent(project, {"color": "blue"}, "green", progress)  # type: ignore[arg-type]
    assert project.told == ["migrate green", "up agent-green", "remove agent-green"]


def test_a_first_release_starts_agent_and_worker_together(places: Places, needs_root: None) -> None:
    project, progress = Compose(), progress_of(places)
    stack.start_agent(project, {}, "blue", progress)  # type: ignore[arg-type]
    assert project.told == ["migrate blue", "up agent-blue", "up worker"]


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


def look(places: Places, *items: Item, trusting: bool = False) -> glance.Glance:
    """A look at the machine for these items."""
    return glance.Glance(places, items, proofs=Proofs(places), trusting=trusting)


def test_differences_of_files_and_settings_are_sentences(places: Places) -> None:
    places.at("/proc/sys/net").mkdir(parents=True)
    places.at("/proc/sys/net/x").write_text("1\n")
    item = {
        "name": "n",
        "files": [{"path": "/etc/n", "content": "c", "mode": 0o644}],
        "absent": ["/proc/sys/net/x"],
        "sysctls": {"net.x": "0", "net.absent": "1"},
    }
    assert list(look(places, item).differences(item)) == [
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


def test_where_the_operator_comes_from_is_noted_for_a_week(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes, week = tmp_path / "operators", observe.OPERATOR_SECONDS
    monkeypatch.setattr(observe, "OPERATORS", notes)
    observe.note_operator("192.0.2.9 40022 198.51.100.1 22", now=0)
    os.utime(notes / "192.0.2.9", (1000, 1000))
    observe.note_operator("2001:db8::1 40022 2001:db8::2 22", now=1000 + week)
    observe.note_operator("", now=1000 + week)
    assert sorted(note.name for note in notes.iterdir()) == ["192.0.2.9", "2001:db8::1"]
    observe.note_operator("2001:db8::1 40023 2001:db8::2 22", now=1001 + week)
    assert [note.name for note in notes.iterdir()] == ["2001:db8::1"]


def test_a_disk_without_room_for_a_note_hinders_no_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(observe, "OPERATORS", tmp_path / "file" / "operators")
    observe.note_operator("192.0.2.9 40022 198.51.100.1 22", now=0)
    assert "could not be noted" in capsys.readouterr().err


@pytest.fixture
def jobs_of(monkeypatch: pytest.MonkeyPatch) -> dict[str, entry.Work]:
    """The agent's table of jobs, to be filled by a test; cloud-init is through."""
    table: dict[str, entry.Work] = {}
    monkeypatch.setattr(entry, "JOBS", table)
    monkeypatch.setattr(observe, "cloud_init", lambda: ("done", ""))
    return table


def phases(places: Places, *names: str) -> list[str | None]:
    """How jobs stand by their records; None where there is none."""
    found = [records.read(places, name) for name in names]
    return [record.phase if record else None for record in found]


def test_jobs_of_a_unit_are_worked_off_in_order(
    places: Places, jobs_of: dict[str, entry.Work], needs_root: None
) -> None:
    done: list[tuple[str, ...]] = []

    def note(_: Places, arguments: Sequence[str], __: Progress) -> str:
        done.append(tuple(arguments))
        return "fine"

    jobs_of["a"] = jobs_of["b"] = note
    assert entry.work(places, unit="u", plan=[["b", "d1", "x", "y"], ["a", "d2"]]) == 0
    assert done == [("x", "y"), ()]
    assert phases(places, "a", "b") == ["done", "done"]


def test_what_comes_after_a_failed_job_was_never_asked_for(
    places: Places, jobs_of: dict[str, entry.Work], needs_root: None
) -> None:
    def fail(_: Places, __: object, ___: Progress) -> str:
        raise JobError("apt-locked", "somebody else installs")

    jobs_of["a"], jobs_of["b"] = fail, lambda *_: "fine"
    for name in "ab":
        records.write(places, Record(name=name, digest="d", unit="u"))
    assert entry.work(places, unit="u", plan=[["a", "d"], ["b", "d"]]) == 1
    assert phases(places, "a", "b") == ["failed", None]


def test_nothing_but_the_host_key_is_touched_before_cloud_init_is_through(
    places: Places,
    jobs_of: dict[str, entry.Work],
    monkeypatch: pytest.MonkeyPatch,
    needs_root: None,
) -> None:
    states = iter(["running", "running", "error", "error"])
    monkeypatch.setattr(observe, "cloud_init", lambda: (next(states), "no network"))
    jobs_of["host-key"] = jobs_of["harden"] = lambda *_: "fine"
    assert entry.work(places, unit="u", plan=[["host-key", "d"], ["harden", "d"]]) == 1
    assert phases(places, "host-key", "harden") == ["done", "failed"]
    assert list(states) == []


def checked(places: Places, *, trusting: bool) -> list[str]:
    """The differences of an item whose check reads one file and fails when that says no."""
    path = places.at("/etc/answer")
    check = {"argv": ["grep", "-q", "yes", str(path)], "reads": ["/etc/answer"]}
    item = {"name": "n", "checks": [check]}
    return list(look(places, item, trusting=trusting).differences(item))


def test_a_check_is_spared_while_the_files_that_decide_it_are_the_same(
    places: Places, monkeypatch: pytest.MonkeyPatch, needs_root: None
) -> None:
    answer = places.at("/etc/answer")
    answer.parent.mkdir(parents=True)
    answer.write_text("yes")
    assert checked(places, trusting=True) == []
    monkeypatch.setattr(glance, "complaint", lambda _: "it was run")
    assert checked(places, trusting=True) == []
    assert checked(places, trusting=False) == ["it was run"]
    assert checked(places, trusting=True) == ["it was run"], "a check that failed proves nothing"
    monkeypatch.undo()
    assert checked(places, trusting=True) == []
    answer.write_text("no")
    assert len(checked(places, trusting=True)) == 1


def test_units_are_told_apart_in_the_order_they_were_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "ActiveState=active\nUnitFileState=enabled\n\nActiveState=failed\n"
    monkeypatch.setattr(glance, "run", lambda _: Ended(0, text, ""))
    assert glance.show(["a.service", "b.service", "c.service"]) == {
        "a.service": {"ActiveState": "active", "UnitFileState": "enabled"},
        "b.service": {"ActiveState": "failed"},
        "c.service": {},
    }


def test_a_package_is_there_when_dpkg_finished_with_it(places: Places) -> None:
    status = places.at("/var/lib/dpkg/status")
    status.parent.mkdir(parents=True)
    status.write_text(
        "Package: there\nStatus: install ok installed\nPriority: optional\n\n"
        "Package: half\nStatus: install ok half-configured\n\n"
        "Package: held\nStatus: hold ok installed\n\n"
        "Package: gone\nStatus: deinstall ok config-files\n"
    )
    item = {"name": "n", "packages": ["there", "half", "held", "gone", "never"]}
    assert list(look(places, item).differences(item)) == [
        f"package {name} is not installed" for name in ("half", "gone", "never")
    ]
