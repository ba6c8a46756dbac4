"""Plots as documents: well-formed, to scale, with every name and number."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from load import plots, report

SVG = "{http://www.w3.org/2000/svg}"


def rects(drawn: str, kind: str) -> list[dict[str, str]]:
    root = ElementTree.fromstring(drawn)  # noqa: S314 - ours
    return [each.attrib for each in root.iter(f"{SVG}rect") if each.attrib.get("class") == kind]


def words(drawn: str) -> list[str]:
    root = ElementTree.fromstring(drawn)  # noqa: S314 - ours
    return [each.text or "" for each in root.iter(f"{SVG}text")]


def test_a_bar_that_is_missed_has_another_colour_and_the_floor_its_mark() -> None:
    drawn = plots.shares(
        [
            plots.Share(name="half & half", part=0.5, floor=0.25, told="5 of 10 s"),
            plots.Share(name="missed", part=1.2, floor=None, told="12 of 10 s"),
        ]
    )
    (good,), (bad,), (floor,) = rects(drawn, "good"), rects(drawn, "bad"), rects(drawn, "floor")
    assert float(bad["width"]) == pytest.approx(2.4 * float(good["width"]), rel=0.01)
    assert float(floor["x"]) < float(good["x"]) + float(good["width"])
    assert {"half & half", "5 of 10 s", "12 of 10 s"} <= set(words(drawn))


def test_a_ranking_has_three_bars_and_what_is_published() -> None:
    drawn = plots.rankings(
        [plots.Ranking(name="SciFact", lexical=0.5, dense=0.25, both=0.75, published=0.6)]
    )
    widths = [float(rects(drawn, kind)[-1]["width"]) for kind in "bca"]
    assert widths == [plots.WIDE * share for share in (0.5, 0.25, 0.75)]
    assert {"SciFact", "0.500", "0.250", "0.750"} <= set(words(drawn))


def test_nothing_measured_draws_nothing() -> None:
    assert report.drawings({}) == {}


def test_a_share_is_told_in_percent() -> None:
    assert report.amount(0.9419, "share") == "94.2 %"
    assert report.amount(12, "s") == "12 s"
