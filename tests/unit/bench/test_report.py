"""Figures, and the page made from them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from load import plots, report
from load.figures import Figure, emit, from_line, median, percentile

MACHINE = {"cores": 2, "memory_gib": 24.0, "load_1m": 1.5}


def line(name: str, value: float, **more: object) -> str:
    body = {"name": name, "value": value, "unit": "s", "context": {"machine": MACHINE}, **more}
    return json.dumps(body)


@pytest.mark.parametrize(
    ("better", "value", "holds"),
    [("lower", 2.0, True), ("lower", 2.1, False), ("higher", 2.0, True), ("higher", 1.9, False)],
)
def test_a_bar_is_met_or_not(better: str, value: float, holds: bool) -> None:
    figure = from_line(line("x", value, bar=2.0, better=better))
    assert figure.holds is holds


def test_a_figure_is_one_line_of_json_with_its_machine(capsys: pytest.CaptureFixture[str]) -> None:
    emit(Figure(name="x", value=1.23456, unit="ms", bar=25, context={"floor": "y"}))
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 1
    document = json.loads(printed[0])
    assert set(document) == {"name", "value", "unit", "bar", "better", "context"}
    assert document["value"] == 1.2346
    assert set(document["context"]) == {"floor", "machine"}


def test_percentile_and_median_are_values_that_were_measured() -> None:
    values = [5.0, 1.0, 3.0, 2.0]
    assert percentile(values, 0.95) == 5.0
    assert percentile(values, 0.0) == 1.0
    assert median(values) == 2.0


def test_a_newer_figure_takes_the_place_of_the_older_and_steps_go_together() -> None:
    old = report.merge({}, [line("chain_ready", 50), line("chain_step_A", 1)], today="2026-01-01")
    new = report.merge(
        old, ["not json", line("chain_step_B", 2), line("chain_step_C", 3)], today="2026-01-02"
    )
    assert set(new) == {"chain_ready", "chain_step_B", "chain_step_C"}
    assert report.steps_of(new) == [("B", 2), ("C", 3)]
    assert new["chain_ready"]["measured"] == "2026-01-01"


def test_the_page_says_what_was_missed_and_what_it_is_compared_to() -> None:
    lines = [
        line("chain_ready", 61, bar=60),
        line("retrieval_p95", 4.2, bar=25,
             context={"machine": MACHINE, "floor": "round trip", "floor_ms": 0.3}),
        line("unheard_of", 7),
    ]  # fmt: skip
    text = report.page(report.merge({}, lines, today="2026-01-01"))
    rows = [row for row in text.splitlines() if row.startswith("| ")][2:]
    assert [row.split(" | ")[1:4] for row in rows] == [
        ["61 s", "≤ 60 s", "**no**"],
        ["4.2 s", "≤ 25 s", "yes"],
        ["7 s", "", ""],
    ]
    assert "round trip: 0.3" in rows[1]


def test_the_plot_shows_each_step_where_the_one_before_it_ends() -> None:
    root = ElementTree.fromstring(plots.steps([("A", 1.0), ("B", 3.0)]))  # noqa: S314 - ours
    bars = [
        (float(each.attrib["x"]), float(each.attrib["width"]))
        for each in root.iter("{http://www.w3.org/2000/svg}rect")
    ]
    assert len(bars) == 2
    assert bars[0][0] + bars[0][1] == pytest.approx(bars[1][0])
    assert bars[1][1] == pytest.approx(3 * bars[0][1])


def test_the_committed_page_and_plots_are_those_of_the_committed_results() -> None:
    results = json.loads((report.DOCS / report.RESULTS).read_text())
    assert (report.DOCS / report.PAGE).read_text() == report.page(results)
    for name, drawn in report.drawings(results).items():
        assert (report.DOCS / report.PLOTS.format(name)).read_text() == drawn


def test_collected_lines_are_taken_in(tmp_path: Path) -> None:
    collected = tmp_path / "lines"
    collected.write_text("progress\n" + line("chain_gone", 12, bar=30) + "\n")
    report.update([collected], docs=tmp_path)
    report.update([], docs=tmp_path)
    assert "| 12 s | ≤ 30 s | yes |" in (tmp_path / report.PAGE).read_text()
