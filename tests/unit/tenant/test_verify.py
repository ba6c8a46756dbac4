"""The gate between the model and the reader."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tenant_agent.agent.prompt import PromptSource
from tenant_agent.agent.sentence_stream import Sentence, SentenceStream
from tenant_agent.agent.verify import Verifier
from tenant_agent.errors import ModelFailure
from tenant_agent.services.answering import Draft

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


HANDBOOK = [
    PromptSource(
        1,
        "Handbuch",
        "Kündigung",
        1,
        "Schreiben Sie eine Kündigung. Unterschreiben Sie die Kündigung von Hand. "
        "Senden Sie die Kündigung an die Personalabteilung.\n"
        "Reisekosten werden vom Arbeitgeber vollständig erstattet. "
        "Der Fitnessraum kostet 20 Euro im Monat. Die Sauna kostet 5 Euro.",
    )
]


async def written(text: str, *, score: float = 0.0) -> str:
    """Return what a reader sees of an answer of which every sentence cites source 1."""
    verifier = Verifier("Was ist kostenlos, wie kündige ich?", HANDBOOK, Scripted(score))
    stream = SentenceStream()
    draft = Draft()
    for sentence in [*stream.feed(text), *stream.close()]:
        if proven := await verifier.check(sentence):
            draft.add(proven)
    return draft.content


async def test_the_numbers_of_a_list_claim_nothing() -> None:
    steps = (
        "1. Schreiben Sie eine Kündigung [1].\n"
        "2. Unterschreiben Sie von Hand [1].\n"
        "3. Senden Sie die Kündigung an die Personalabteilung [1]."
    )
    assert await written(steps) == steps


async def test_a_day_is_claimed() -> None:
    assert await written("1. Januar: Schreiben Sie eine Kündigung [1].") == ""


async def test_a_lead_whose_items_have_no_proof_leads_to_nothing_else() -> None:
    text = "Kostenlos sind:\n- Parkplätze am Bahnhof [1].\n\nDer Fitnessraum kostet 20 Euro [1]."
    assert await written(f"Die Sauna kostet 5 Euro [1]. {text}") == (
        "Die Sauna kostet 5 Euro [1].\n\nDer Fitnessraum kostet 20 Euro [1]."
    )


async def test_a_lead_stays_with_the_items_that_have_proof() -> None:
    text = "Der Monat kostet:\n- Parkplätze am Bahnhof [1]\n- Fitnessraum 20 Euro [1]"
    assert await written(text) == "Der Monat kostet:\n- Fitnessraum 20 Euro [1]"


async def test_a_paragraph_ends_with_what_was_withheld_at_its_end() -> None:
    first, item = "Die Sauna kostet 5 Euro [1].", "- Der Fitnessraum kostet 20 Euro [1]"
    assert await written(f"{first} Der Mond ist rund.\n\n{item}") == f"{first}\n\n{item}"


@pytest.mark.parametrize(
    ("claim", "passes"),
    [
        ("The employer reimburses travel costs in full [1].", True),
        ("Travel costs are not reimbursed by the employer [1].", False),
        ("The employer reimburses 90 percent of travel costs [1].", False),
    ],
)
async def test_likeness_neither_denies_nor_counts(claim: str, passes: bool) -> None:
    async def like_travel(_claim: str, candidates: Sequence[str]) -> list[float]:
        return [0.9 if "Reisekosten" in candidate else 0.1 for candidate in candidates]

    source = PromptSource(1, "Handbook", "Travel costs", 1, HANDBOOK[0].text)
    verifier = Verifier("Who pays travel costs of the employer?", [source], like_travel)
    stream = SentenceStream()
    (sentence,) = [*stream.feed(claim), *stream.close()]
    assert (await verifier.check(sentence) is not None) is passes
