"""Choosing sentences: by kind of thing asked for, by neighbours, and not at all."""

from __future__ import annotations

import pytest
from load.answer_cases import holds
from localcloud.model.description import same
from localcloud.model.embeddings import Embedder
from localcloud.model.evidence import Source, find
from localcloud.model.kinds import KINDS, kinds
from localcloud.model.text import Language

COMPANY = (
    "Die Hafner GmbH baut Pumpen. Sie wurde 1952 von Greta Hafner in Linz gegründet. "
    "Heute beschäftigt sie 340 Menschen. Weil der Platz nicht reichte, zog sie 1988 nach Wels."
)
FESTIVAL = (
    "The festival lasts four days. Tickets are sold from March 3 on. Dogs stay outside because the "
    "meadow belongs to a nature reserve. Last year 12,400 people came."
)
SOURCES = (Source(id=1, text=COMPANY), Source(id=2, text=FESTIVAL))
HANDBOOK = (
    Source(
        id=1,
        heading="Urlaub",
        text="Alle Beschäftigten haben Anspruch auf 30 Tage Erholungsurlaub im Kalenderjahr. Der "
        "Antrag wird spätestens vier Wochen vor Beginn im Personalportal gestellt. Nicht "
        "genommener Urlaub verfällt am 31. März des Folgejahres.",
    ),
    Source(
        id=2,
        heading="Reisekosten",
        text="Für Fahrten mit dem eigenen Auto werden 0,35 Euro je Kilometer gezahlt. Das Tagegeld "
        "beträgt 28 Euro bei mehr als 24 Stunden Abwesenheit.",
    ),
)


@pytest.mark.parametrize(
    ("question", "language", "expected"),
    [
        ("Wann wurde die Hafner GmbH gegründet?", "de", "1952"),
        ("Von wem wurde die Hafner GmbH gegründet?", "de", "Greta Hafner"),
        ("Wie viele Menschen beschäftigt Hafner?", "de", "340 Menschen"),
        ("Warum zog die Hafner GmbH nach Wels?", "de", "Weil der Platz"),
        ("How many people came last year?", "en", "12,400"),
        ("Why must dogs stay outside?", "en", "nature reserve"),
        ("When does the sale of tickets begin?", "en", "March 3"),
    ],
)
def test_the_best_sentence_answers(
    model_embedder: Embedder, question: str, language: str, expected: str
) -> None:
    answer = find(question, "de" if language == "de" else "en", SOURCES, model_embedder)
    assert expected in answer[0].sentence


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Wie hoch ist das Tagegeld?", "28 Euro"),
        ("Bitte, darf ich erfahren, wann der Urlaub verfällt?", "31. März"),
    ],
)
def test_the_words_of_asking_do_not_stand_in_the_way(
    model_embedder: Embedder, question: str, expected: str
) -> None:
    answer = find(question, "de", HANDBOOK, model_embedder)
    assert expected in answer[0].sentence


def test_a_word_inside_another_by_chance_is_no_answer(model_embedder: Embedder) -> None:
    assert not find("Test", "de", HANDBOOK, model_embedder)


@pytest.mark.parametrize(
    ("left", "right", "likeness"),
    [
        ("urlaub", "urlaub", 1.0),
        ("tagegeld", "tagegeldsatz", 0.8),
        ("versicher", "krankenversicherungsbeitrag", 0.8),
        ("genehmigung", "genehmigen", 0.7),
        ("urlaubstag", "erholungsurlaub", 0.6),
        ("test", "spaetestens", 0.0),
        ("2024", "12024", 0.0),
    ],
)
def test_likeness_of_words(left: str, right: str, likeness: float) -> None:
    assert same(left, right) == same(right, left) == likeness


@pytest.mark.parametrize(
    ("question", "language"),
    [("Wie wird das Wetter morgen in Rom?", "de"), ("Who won the chess championship?", "en")],
)
def test_what_is_not_there_is_not_answered(
    model_embedder: Embedder, question: str, language: str
) -> None:
    assert not find(question, "de" if language == "de" else "en", SOURCES, model_embedder)


def test_every_sentence_stands_in_its_source(model_embedder: Embedder) -> None:
    texts = {source.id: source.text for source in SOURCES}
    for question in ("Was baut die Hafner GmbH?", "Wie viele Menschen kamen?"):
        for chosen in find(question, "de", SOURCES, model_embedder):
            assert chosen.sentence in texts[chosen.source]


def test_a_line_that_announces_brings_what_it_announces(model_embedder: Embedder) -> None:
    text = "Bring these things to the exam: \n\n- a pen and your passport\n- water"
    answer = find(
        "What things do I bring to the exam?", "en", (Source(id=1, text=text),), model_embedder
    )
    assert [chosen.sentence for chosen in answer][:2] == [
        "Bring these things to the exam:",
        "- a pen and your passport",
    ]


def test_the_same_sentence_is_told_once(model_embedder: Embedder) -> None:
    twice = (Source(id=1, text=COMPANY), Source(id=2, text=COMPANY))
    answer = find("Wann wurde die Hafner GmbH gegründet?", "de", twice, model_embedder)
    assert len({chosen.sentence for chosen in answer}) == len(answer)


def test_a_heading_is_no_answer(model_embedder: Embedder) -> None:
    text = "Jahresurlaub\n\nAlle haben Anspruch auf 30 Tage Jahresurlaub."
    answer = find("Wie viel Jahresurlaub?", "de", (Source(id=1, text=text),), model_embedder)
    assert [chosen.sentence for chosen in answer] == [
        "Alle haben Anspruch auf 30 Tage Jahresurlaub."
    ]
    heading = (Source(id=1, text="Jahresurlaub"),)
    assert not find("Wie viel Jahresurlaub?", "de", heading, model_embedder)


REFUNDS = (
    Source(
        id=1,
        text="Taxifahrten werden nicht erstattet. Bahnfahrten zweiter Klasse werden erstattet. "
        "Parkgebühren werden bis 12 Euro pro Tag erstattet.",
    ),
    Source(
        id=2, text="Setup fees are not refunded. The deposit is refunded within 21 days of the end."
    ),
)


@pytest.mark.parametrize(
    ("question", "language", "expected"),
    [
        ("Werden Taxifahrten erstattet?", "de", "Taxifahrten werden nicht erstattet."),
        ("Werden Taxifahrten erstattet oder nicht?", "de", "Taxifahrten werden nicht erstattet."),
        (
            "Werden Bahnfahrten zweiter Klasse erstattet?",
            "de",
            "Bahnfahrten zweiter Klasse werden erstattet.",
        ),
        ("Are setup fees refunded?", "en", "Setup fees are not refunded."),
    ],
)
def test_yes_or_no_is_answered_in_the_words_of_the_question(
    model_embedder: Embedder, question: str, language: Language, expected: str
) -> None:
    best = find(question, language, REFUNDS, model_embedder)[0]
    assert best.sentence == expected


def test_no_text_is_no_answer(model_embedder: Embedder) -> None:
    assert not find("Wann?", "de", (Source(id=1, text=""),), model_embedder)


@pytest.mark.parametrize(
    ("question", "sentence", "kind", "expected"),
    [
        ("Wie viele?", "Es waren 7.", "number", 1),
        ("How many of the 7?", "All 7.", "number", -1),
        ("When?", "In May.", "time", 1),
        ("When after 1990?", "Not in 1990.", "time", -1),
        ("Who?", "It was Ada Lovelace.", "person", 1),
        ("Wer ist Ada Lovelace?", "Das war Ada Lovelace.", "person", 0),
        ("Why?", "Because of rain.", "reason", 1),
        ("Where?", "Because of rain.", "reason", 0),
    ],
)
def test_kinds(question: str, sentence: str, kind: str, expected: float) -> None:
    assert kinds(question, sentence)[KINDS.index(kind)] == expected


def test_a_gold_answer_is_held_when_most_of_the_shorter_is_shared() -> None:
    assert holds("It rained all day long in May.", "rained all day")
    assert holds("rained all  day long", "It rained all day long in May.")
    assert not holds("It rained.", "It rained all day long in May.")
    assert not holds("The sun was shining on us.", "It rained all day long in May.")
