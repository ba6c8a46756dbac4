"""Sentences, languages and stems of German and English text."""

from __future__ import annotations

import pytest
from localcloud.model.text import language_of, sentences, stem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Eins. Zwei! Drei?", ["Eins.", "Zwei!", "Drei?"]),
        ("Am 1. Januar begann es. Dann nicht.", ["Am 1. Januar begann es.", "Dann nicht."]),
        ("Dr. Huber kam z. B. gestern. Er blieb.", ["Dr. Huber kam z. B. gestern.", "Er blieb."]),
        ("Im 18. Jahrhundert floh er. Gut.", ["Im 18. Jahrhundert floh er.", "Gut."]),
        ("Sie spielt (5. Rang) mit. Ja.", ["Sie spielt (5. Rang) mit.", "Ja."]),
        ("Es waren genau 18. Danach nicht.", ["Es waren genau 18.", "Danach nicht."]),
        ("one is here. two is there.", ["one is here.", "two is there."]),
        ("It costs 3.50 euros. Pay now.", ["It costs 3.50 euros.", "Pay now."]),
        ("Title\n\nBody text", ["Title", "Body text"]),
        ("- one\n- two", ["- one", "- two"]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wie hoch ist die Miete?", "de"),
        ("How much is the rent?", "en"),
        ("Öffnungszeiten", "de"),
        ("4711", "en"),
    ],
)
def test_language(text: str, expected: str) -> None:
    assert language_of(text) == expected


def test_inflected_forms_share_a_stem() -> None:
    assert stem("Verträge", "de") == stem("Verträgen", "de")
    assert stem("reported", "en") == stem("reports", "en")
    assert stem("2024", "de") == "2024"
