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
    assert judge(claim, PASSAGE, question=question).support is not Support.YES


def test_the_quote_is_the_sentence_that_carries_the_claim() -> None:
    found = judge("Die Kaltmiete liegt bei 1250 Euro im Monat.", PASSAGE)
    assert found.quote == "Die monatliche Kaltmiete beträgt 1.250 Euro."


def test_only_a_near_copy_finds_its_source_by_itself() -> None:
    texts = ["Ganz etwas anderes steht hier.", PASSAGE]
    best = best_source("Haustiere sind nach Absprache erlaubt.", texts)
    assert best is not None
    assert best[0] == 1
    assert best_source("Haustiere kosten im Zoo viel Absprache.", texts) is None


PRICES = "Tarif: Basis; Preis: 29 Euro\nTarif: Komfort; Preis: 59 Euro"
NOTICE = "Die Kündigungsfrist für Angestellte ist im Vertrag geregelt. Sie beträgt drei Monate."


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("Der Tarif Komfort kostet 59 Euro.", PRICES),
        ("Die Kündigungsfrist für Angestellte beträgt 3 Monate.", NOTICE),
        ("Die Kündigungsfrist für Angestellte beträgt drei Monate.", NOTICE),
        ("Die Kaltmiete beträgt 1.250 Euro.", "Kaltmiete\n1.250 Euro"),
        ("Die Frist beträgt 14 Tage.", "Die Frist beträgt vierzehn Tage."),
        ("The trial lasts two weeks.", "The trial lasts 2 weeks."),
    ],
)
def test_numbers_count_where_the_words_of_the_claim_are(claim: str, passage: str) -> None:
    assert judge(claim, passage).support is Support.YES


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("Der Tarif Basis kostet 59 Euro.", PRICES),
        ("Die Kündigungsfrist für Angestellte beträgt sechs Monate.", NOTICE),
        ("The trial lasts three weeks.", "The trial lasts two weeks."),
    ],
)
def test_numbers_of_something_else_do_not(claim: str, passage: str) -> None:
    assert judge(claim, passage).support is Support.NO


def test_a_number_of_the_question_is_no_proof() -> None:
    passage, claim = "Mitarbeitende haben 30 Urlaubstage.", "Mitarbeitende haben 40 Urlaubstage."
    assert judge(claim, passage, question="Habe ich 40 Urlaubstage?").support is Support.NO
    claim = "2024 haben Mitarbeitende 30 Urlaubstage."
    assert judge(claim, passage, heading="Urlaub 2024").support is Support.YES


LISTED = "Nicht erstattet werden:\n- Taxifahrten\n- Getränke\n\nErstattet werden Bahnfahrten."


@pytest.mark.parametrize(
    ("claim", "lead", "support"),
    [
        ("Taxifahrten", "Nicht erstattet werden:", Support.YES),
        ("Taxifahrten", "Erstattet werden:", Support.NO),
        ("Bahnfahrten", "Nicht erstattet werden:", Support.NO),
        ("Bahnfahrten", "Erstattet werden:", Support.YES),
    ],
)
def test_an_item_is_denied_by_the_line_above_its_list(
    claim: str, lead: str, support: Support
) -> None:
    assert judge(claim, LISTED, lead=lead).support is support
