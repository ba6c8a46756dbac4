"""The gate between the model and the reader."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tenant_agent.agent.prompt import PromptSource
from tenant_agent.agent.sentence_stream import Sentence
from tenant_agent.agent.verify import Verifier
from tenant_agent.errors import ModelFailure

SOURCES = [
    PromptSource(1, "Mietvertrag", "Miete", 1, "Die Kaltmiete beträgt 1.250 Euro."),
    PromptSource(2, "Handbook", "Leave", 7, "Employees get 28 days of annual leave."),
]


class Scripted:
    """Likeness by a table; counts its calls."""

    def __init__(self, score: float) -> None:
        self.score = score
        self.calls = 0

    async def __call__(self, _claim: str, candidates: Sequence[str]) -> list[float]:
        self.calls += 1
        return [self.score] * len(candidates)


async def shown(text: str, markers: tuple[int, ...], score: float = 0.0) -> str | None:
    """Return what becomes of one sentence."""
    verifier = Verifier("Was kostet die Wohnung?", SOURCES, Scripted(score))
    proven = await verifier.check(Sentence(text, markers, " "))
    return proven.text if proven else None


@pytest.mark.parametrize(
    ("text", "markers", "expected"),
    [
        ("Die Kaltmiete beträgt 1.250 Euro.", (1,), "Die Kaltmiete beträgt 1.250 Euro [1]."),
        ("Die Kaltmiete beträgt 1.250 Euro.", (9,), "Die Kaltmiete beträgt 1.250 Euro [1]."),
        ("Die Kaltmiete beträgt 1.250 Euro.", (2,), "Die Kaltmiete beträgt 1.250 Euro [1]."),
        ("Die Kaltmiete beträgt 1.250 Euro.", (), "Die Kaltmiete beträgt 1.250 Euro [1]."),
        ("Die Kaltmiete beträgt 9.999 Euro.", (1,), None),
        ("Der Vorstand tagt in Reykjavík.", (1,), None),
        ("NOT_FOUND", (), None),
        ("***", (1,), None),
    ],
)
async def test_sentences(text: str, markers: tuple[int, ...], expected: str | None) -> None:
    assert await shown(text, markers) == expected


async def test_embeddings_that_fail_cost_what_words_cannot_prove_and_no_answer() -> None:
    async def down(_claim: str, _candidates: Sequence[str]) -> list[float]:
        raise ModelFailure("model_busy")

    verifier = Verifier("Was kostet die Wohnung?", SOURCES, down)
    unsure = "Mitarbeiter bekommen 28 Urlaubstage laut annual Regelung."
    assert await verifier.check(Sentence(unsure, (2,), " ")) is None
    assert verifier.removed == 1
    assert await verifier.check(Sentence("Die Kaltmiete beträgt 1.250 Euro.", (1,), " "))


async def test_readers_see_the_sources_that_are_cited_numbered_in_their_order() -> None:
    verifier = Verifier("Was kostet die Wohnung?", SOURCES, Scripted(0))
    leave = await verifier.check(Sentence("Employees get 28 days of annual leave.", (2,), " "))
    rent = await verifier.check(Sentence("Die Kaltmiete beträgt 1.250 Euro.", (1,), " "))
    again = await verifier.check(Sentence("Employees get 28 days of annual leave.", (2,), " "))
    assert leave is not None
    assert rent is not None
    assert again is not None
    assert [(each.text[-4:], each.sources[0].source) for each in (leave, rent, again)] == [
        ("[1].", 2),
        ("[2].", 1),
        ("[1].", 2),
    ]


async def test_links_and_images_do_not_get_through() -> None:
    text = "Die [Kaltmiete](https://evil.example) ![](https://evil.example/p) beträgt 1.250 Euro."
    assert await shown(text, (1,)) == "Die Kaltmiete  beträgt 1.250 Euro [1]."


async def test_another_language_is_judged_by_meaning() -> None:
    claim = "Mitarbeiter bekommen 28 Urlaubstage laut annual Regelung."
    assert await shown(claim, (2,), score=0.9) is not None
    assert await shown(claim, (2,), score=0.2) is None


async def test_a_lead_is_shown_only_with_what_it_leads_to() -> None:
    verifier = Verifier("Was kostet die Wohnung?", SOURCES, Scripted(0))
    assert await verifier.check(Sentence("Die Wohnung kostet:", (), "\n")) is None
    proven = await verifier.check(Sentence("- Kaltmiete 1.250 Euro", (1,), ""))
    assert proven is not None
    assert proven.text == "Die Wohnung kostet:\n- Kaltmiete 1.250 Euro [1]"
    assert verifier.removed == 0
