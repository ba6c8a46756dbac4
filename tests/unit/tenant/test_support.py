"""What counts as support: the table of claims that must pass and that must not."""

from __future__ import annotations

import pytest
from tenant_agent.agent.support import Support, best_source, judge

PASSAGE = (
    "Der Mietvertrag beginnt am 1. Januar 2024. Die monatliche Kaltmiete beträgt 1.250 Euro. "
    "Haustiere sind nach Absprache erlaubt. Rauchen ist in der Wohnung nicht erlaubt."
)


@pytest.mark.parametrize(
    "claim",
    [
        "Die monatliche Kaltmiete beträgt 1.250 Euro.",
        "Haustiere sind erlaubt, nach Absprache.",
        "Der Vertrag beginnt am 1. Januar 2024.",
        "Rauchen ist in der Wohnung nicht erlaubt.",
    ],
)
def test_supported(claim: str) -> None:
    assert judge(claim, PASSAGE).support is Support.YES


@pytest.mark.parametrize(
    "claim",
    [
        "Die monatliche Kaltmiete beträgt 1.350 Euro.",
        "Haustiere sind nach Absprache nicht erlaubt.",
        "Rauchen ist in der Wohnung erlaubt.",
        "Der Mietvertrag beginnt am 1. Januar 2025.",
        "Die Sonne ist ein Stern im Zentrum unseres Planetensystems.",
    ],
)
def test_refuted(claim: str) -> None:
    assert judge(claim, PASSAGE).support is Support.NO


def test_a_paraphrase_is_left_to_meaning() -> None:
    assert judge("Die Kaltmiete liegt bei 1250 Euro im Monat.", PASSAGE).support is Support.UNSURE


def test_words_of_the_question_alone_are_no_proof() -> None:
    question = "Wie viele Parkplätze hat die Tiefgarage?"
    claim = "Die Tiefgarage hat viele Parkplätze."
    assert judge(claim, PASSAGE, context=question).support is not Support.YES


def test_the_quote_is_the_sentence_that_carries_the_claim() -> None:
    found = judge("Die Kaltmiete liegt bei 1250 Euro im Monat.", PASSAGE)
    assert found.quote == "Die monatliche Kaltmiete beträgt 1.250 Euro."


def test_only_a_near_copy_finds_its_source_by_itself() -> None:
    texts = ["Ganz etwas anderes steht hier.", PASSAGE]
    best = best_source("Haustiere sind nach Absprache erlaubt.", texts, "")
    assert best is not None
    assert best[0] == 1
    assert best_source("Haustiere kosten im Zoo viel Absprache.", texts, "") is None
