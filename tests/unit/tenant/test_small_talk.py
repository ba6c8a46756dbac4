"""What is small talk and what is a question; what is said to it."""

from __future__ import annotations

import typing

import pytest
from tenant_agent import sentences
from tenant_agent.agent.small_talk import Kind, small_talk
from tenant_agent.retrieval.languages import detect_language

SAID: dict[str, str] = {
    "Hallo": "greeting",
    "Hallo!": "greeting",
    "  hi 👋 ": "greeting",
    "Guten Morgen zusammen": "greeting",
    "Grüß Gott": "greeting",
    "Hallo, wie geht es Ihnen?": "greeting",
    "Good afternoon.": "greeting",
    "Danke!": "thanks",
    "Vielen Dank dafür": "thanks",
    "Ok, danke": "thanks",
    "Super, vielen Dank!": "thanks",
    "Thank you so much!": "thanks",
    "Tschüss": "farewell",
    "Danke, auf Wiedersehen!": "farewell",
    "Bye": "farewell",
    "Was kannst du?": "about",
    "Hallo, was können Sie alles?": "about",
    "Wer bist du eigentlich?": "about",
    "Wobei kannst du mir helfen?": "about",
    "Bist du ein Mensch?": "about",
    "What can you do for me?": "about",
    "Who are you?": "about",
    "How does this work?": "about",
    "Are you a bot?": "about",
    "Help": "about",
    "Welche Dokumente hast du?": "documents",
    "Hallo, welche Dokumente gibt es hier?": "documents",
    "Wie viele Dateien sind hochgeladen?": "documents",
    "Auf welche Unterlagen hast du Zugriff?": "documents",
    "Zeige mir alle Dokumente": "documents",
    "What documents do you have?": "documents",
    "Which files are there?": "documents",
    "List all documents, please": "documents",
}
QUESTIONS = [
    "Hallo, wie viele Urlaubstage habe ich?",
    "Danke, und wann verfällt er?",
    "Gut, aber wer genehmigt das?",
    "Was kann ich tun, wenn ich krank bin?",
    "Wer ist der Datenschutzbeauftragte?",
    "Hilfe bei der Steuererklärung",
    "Wie funktioniert das Reiseportal?",
    "What can you tell me about leave?",
    "Who are our suppliers?",
    "Welche Dokumente brauche ich für den Antrag?",
    "Welche Unterlagen hat der Mieter vorzulegen?",
    "Which documents do I have to hand in?",
    "How many documents do you have to sign?",
    "Good question",
    "Grüße",
    "",
    "??",
    "Hallo " * 20,
]


@pytest.mark.parametrize(("message", "kind"), SAID.items())
def test_small_talk_is_told_by_its_whole_text(message: str, kind: str) -> None:
    assert small_talk(message) == kind


@pytest.mark.parametrize("message", QUESTIONS)
def test_what_asks_for_more_is_searched(message: str) -> None:
    assert small_talk(message) is None


def test_every_kind_has_its_reply_in_both_languages() -> None:
    assert sentences.SMALL_TALK.keys() == set(typing.get_args(Kind))
    for texts in sentences.SMALL_TALK.values():
        assert texts.keys() == {"de", "en"}
    assert sentences.small_talk("farewell", "fr") == "Goodbye!"


@pytest.mark.parametrize(
    ("names", "count", "said"),
    [
        ([], 0, "No document is ready yet."),
        (["a.pdf"], 1, "I can answer from one document:\n\n- a.pdf"),
        (["b.md", "a.pdf"], 2, "I can answer from 2 documents:\n\n- b.md\n- a.pdf"),
        (["c", "b"], 3, "I can answer from 3 documents. The newest 2:\n\n- c\n- b"),
    ],
)
def test_the_documents_are_counted_and_named(names: list[str], count: int, said: str) -> None:
    assert sentences.documents(names, count, "en").startswith(said)
    assert sentences.documents(names, count, "fr") == sentences.documents(names, count, "en")
    assert all(texts.keys() == {"de", "en"} for texts in sentences.DOCUMENTS.values())


@pytest.mark.parametrize(
    ("message", "language"), [("Hello!", "en"), ("Thanks", "en"), ("Hallo", "de"), ("Servus", "de")]
)
def test_a_greeting_tells_its_language(message: str, language: str) -> None:
    assert detect_language(message, "de" if language == "en" else "en") == language
