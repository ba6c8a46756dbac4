"""The jobs of `make test` and `make check`: their order, their lanes, what a failure means."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from testlanes import checks, plan, processors, screen
from testlanes.job import Board, Job, Machine, Outcome, Verdict, count, not_run, verdict

ROOT = Path(__file__).resolve().parents[3]
PLANS = {"test": plan.TESTS, "check": checks.CHECKS}


def job(name: str, lane: str = "a", *, after: tuple[str, ...] = ()) -> Job:
    return Job(name=name, lane=lane, argv=("true",), after=after)


@pytest.mark.parametrize("name", PLANS)
def test_every_job_waits_for_jobs_that_exist_and_none_for_itself(name: str) -> None:
    names = [each.name for each in PLANS[name]]
    assert len(set(names)) == len(names)
    assert {each.name for each in plan.in_order(PLANS[name])} == set(names)
    for each in PLANS[name]:
        assert {*each.after, *each.needs} <= set(names)


@pytest.mark.parametrize("isolates", [True, False])
@pytest.mark.parametrize("lanes", [True, False])
def test_no_lane_waits_for_what_comes_later_in_it(isolates: bool, lanes: bool) -> None:
    jobs = plan.fit(plan.TESTS, Machine(isolates=isolates, lanes=lanes))
    over: set[str] = set()
    waiting = {lane: [j for j in jobs if j.lane == lane] for lane in {j.lane for j in jobs}}
    while any(waiting.values()):
        heads = [line[0] for line in waiting.values() if line]
        ready = [head for head in heads if {*head.after, *head.needs} <= over]
        assert ready, f"stuck at {[head.name for head in heads]}"
        for head in ready:
            waiting[head.lane].pop(0)
            over.add(head.name)


def test_every_test_folder_is_run_once_with_and_once_without_containers() -> None:
    marked = {True: set(), False: set()}  # type: dict[bool, set[str]]
    for each in plan.TESTS:
        folders = {word for word in each.argv if word.startswith("tests/")}
        if "-m" not in each.argv:
            marked[True] |= folders
            marked[False] |= folders
        else:
            marked[each.argv[-1] == "container"] |= folders
    tiers = {f"tests/{p.name}" for p in (ROOT / "tests").iterdir() if any(p.rglob("test_*.py"))}
    by_themselves = ["tests/integration/tenant", "tests/e2e/test_demo.py"]
    assert marked[False] == tiers | set(by_themselves)
    assert tiers - marked[True] == {"tests/apiserver"}
    ignored = [word for each in plan.TESTS for word in each.argv if word.startswith("--ignore")]
    assert ignored == [f"--ignore={path}" for path in by_themselves]


def test_where_networks_cannot_be_separated_both_back_ends_share_a_lane() -> None:
    jobs = plan.fit(plan.TESTS, Machine(isolates=False))
    lanes = {each.name: each.lane for each in jobs}
    assert lanes["integration"] == lanes["contract"] == lanes["machines"] == lanes["e2e"]
    assert not any(each.isolated for each in jobs)


def test_jobs_that_wait_for_each_other_are_told() -> None:
    with pytest.raises(ValueError, match="wait for each other"):
        plan.in_order([job("a", after=("b",)), job("b", after=("a",))])


@pytest.mark.parametrize(
    ("optional", "complete", "code", "expected"),
    [
        (False, False, 0, "ok"),
        (False, False, 1, "failed"),
        (True, False, 1, "left out"),
        (True, True, 1, "failed"),
    ],
)
def test_what_an_exit_code_means(
    optional: bool, complete: bool, code: int, expected: Verdict
) -> None:
    tried = Job(name="a", lane="a", argv=("true",), optional=optional)
    assert verdict(tried, code, Machine(isolates=False, complete=complete)) == expected


@pytest.mark.parametrize(
    ("of_needed", "expected"),
    [("left out", "left out"), ("failed", "not run"), ("not run", "not run")],
)
def test_what_lacks_something_is_told_by_what_became_of_that(
    of_needed: Verdict, expected: Verdict
) -> None:
    needing = Job(name="b", lane="a", argv=("true",), needs=("a",))
    board = Board({"a": Outcome(of_needed)})
    assert board.why_not(needing) == "needs a"
    assert not_run(needing, board) == expected


@pytest.mark.parametrize(
    ("verdicts", "passed"),
    [(("ok", "left out"), True), (("ok", "failed"), False), (("ok", "not run"), False)],
)
def test_a_run_passes_when_nothing_failed(verdicts: tuple[Verdict, ...], passed: bool) -> None:
    board = Board({str(number): Outcome(each) for number, each in enumerate(verdicts)})
    assert board.passed is passed


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("..\n2 passed in 0.1s\n", "2 passed"),
        ("1 failed, 438 passed in 313.58s (0:05:13)\n", "1 failed, 438 passed"),
        ("14 skipped in 0.04s", "14 skipped"),
        ("✓ built in 544ms", ""),
    ],
)
def test_what_pytest_counted_stands_in_the_summary(output: str, expected: str) -> None:
    assert count(output) == expected


def test_off_a_terminal_every_line_stays_and_the_output_is_whole() -> None:
    out = io.StringIO()
    shown = screen.Screen("test", out=out)
    shown.started(job("unit"))
    shown.tick()
    shown.ended(job("unit"), Outcome("ok", 12.4), "first\nlast\n")
    lines = out.getvalue().splitlines()
    assert lines[0] == "test: unit …"
    assert lines[3:6] == ["first", "last", "test: unit: ok, 12 s"]


def test_a_failure_is_repeated_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "unit.log").write_text("\n".join(f"line {n}" for n in range(100)))
    told = screen.endings({"unit": Outcome("failed"), "check": Outcome("ok")}, tmp_path)
    assert "line 60" in told
    assert "line 59" not in told
    assert str(tmp_path / "unit.log") in told


def test_how_busy_the_processors_were() -> None:
    before = processors.parse("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 …\n")
    after = processors.parse("cpu  160 10 70 850 60 0 0 0 0 0\ncpu0 …\n")
    assert processors.busy(before, after) == pytest.approx(0.6)
    assert processors.busy(before, before) == 0.0
    assert 0 < processors.now().idle <= processors.now().total


def test_what_others_wait_for_comes_first_and_what_only_computes_last() -> None:
    back = {each.name: each.stands_back for each in plan.TESTS}
    assert back["programs"] == back["images"] == back["e2e"] == 0
    assert 0 < back["contract"] == back["integration"] == back["agent"] == back["machines"]
    assert back["check"] == back["browser"] == back["python-3.13"] > back["machines"]


def test_whoever_is_timed_waits_until_the_programs_are_compiled() -> None:
    beside = {each.name for each in plan.TESTS if "programs" not in (*each.after, *each.needs)}
    makes = {"node", "docker", "chromium", "programs", "images"}
    assert beside == {*makes, "unit", "check", "dashboard"}
