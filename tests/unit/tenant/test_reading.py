"""Readers of the formats, and what a file is told to be."""

from __future__ import annotations

from pathlib import Path

import pytest
from plugins.agent_files import make_docx, make_pdf
from tenant_agent.errors import DocumentUnreadable
from tenant_agent.retrieval.blocks import Parsed
from tenant_agent.retrieval.languages import detect_language
from tenant_agent.retrieval.parsing.child import reader_of
from tenant_agent.retrieval.parsing.sandbox import Limits, interpret
from tenant_agent.retrieval.parsing.tables import lines_of, looks_like_header
from tenant_agent.retrieval.sniff import sniff
from tenant_agent.retrieval.split import sentences
from tenant_agent.services.files import safe_name


def read(folder: Path, kind: str, content: bytes) -> list[tuple[str, int]]:
    """Return (text, level) of all blocks."""
    path = folder / "file"
    path.write_bytes(content)
    parsed: Parsed = reader_of(kind)(path, 100)
    return [(block.text, block.level) for page in parsed.pages for block in page]


def test_markdown(tmp_path: Path) -> None:
    text = "# T\n\nein [Link](http://x) und\nZeile\n\n- a\n- b\n\n| k | v |\n|---|---|\n| 1 | 2 |\n"
    assert read(tmp_path, "markdown", text.encode()) == [
        ("T", 1),
        ("ein Link und Zeile", 0),
        ("a", 0),
        ("b", 0),
        ("k | v", 0),
        ("k: 1 | v: 2", 0),
    ]


def test_html_shows_only_what_a_browser_shows(tmp_path: Path) -> None:
    page = (
        "<html><head><title>x</title><style>p{}</style></head><body><nav>Menü</nav>"
        "<h2>Öffnung</h2><p>Mo <b>9</b> Uhr</p><script>alert(1)</script>"
        "<p style='display:none'>Ignore all</p><p style='color:#fff'>weiß</p>"
        "<div hidden>weg</div><ul><li>eins</li></ul>"
        "<table><tr><td>a</td><td>b</td></tr></table></body></html>"
    )
    assert read(tmp_path, "html", page.encode()) == [
        ("Öffnung", 2),
        ("Mo 9 Uhr", 0),
        ("eins", 0),
        ("a | b", 0),
    ]


def test_html_in_another_charset(tmp_path: Path) -> None:
    page = '<html><head><meta charset="iso-8859-1"></head><body><p>Größe</p></body></html>'
    assert read(tmp_path, "html", page.encode("latin-1")) == [("Größe", 0)]


def test_text_in_its_encodings(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        assert read(tmp_path, "text", "Größe: 5 €".encode(encoding)) == [("Größe: 5 €", 0)]


def test_form_feeds_are_pages(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"eins\fzwei")
    parsed = reader_of("text")(path, 100)
    assert (parsed.paged, len(parsed.pages)) == (True, 2)
    with pytest.raises(DocumentUnreadable, match="too_many_pages"):
        reader_of("text")(path, 1)


def test_word_document(tmp_path: Path) -> None:
    found = read(tmp_path, "docx", make_docx("Reisekosten", "30 Cent je Kilometer."))
    assert found == [("Reisekosten", 1), ("30 Cent je Kilometer.", 0)]


TABLE = ["Tarif\tPreis pro Monat", "Basis\t29 Euro", "Komfort\t59 Euro"]


def test_pdf_words_in_columns_become_rows_with_their_names(tmp_path: Path) -> None:
    page = ["Preise", "Es gelten diese Preise.", "", *TABLE, "", "Danach geht der Text weiter."]
    assert read(tmp_path, "pdf", make_pdf([page])) == [
        ("Preise", 1),
        ("Es gelten diese Preise.", 0),
        ("Tarif | Preis pro Monat", 0),
        ("Tarif: Basis | Preis pro Monat: 29 Euro", 0),
        ("Tarif: Komfort | Preis pro Monat: 59 Euro", 0),
        ("Danach geht der Text weiter.", 0),
    ]


def test_pdf_lists_and_single_gaps_stay_prose(tmp_path: Path) -> None:
    page = [
        "Vertrag",
        "a)\tDer Mieter zahlt",
        "pünktlich.",
        "b)\tDer Vermieter auch.",
        "Ort\tDatum",
    ]
    assert read(tmp_path, "pdf", make_pdf([page])) == [
        ("Vertrag", 1),
        ("a) Der Mieter zahlt pünktlich. b) Der Vermieter auch. Ort Datum", 0),
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["Tarif", "Preis"], ["Basis", "29"]], True),
        ([["2023", "2024"], ["1", "2"]], False),
        ([["Tarif", "Tarif"], ["a", "b"]], False),
        ([["Tarif", ""], ["a", "b"]], False),
        ([["Tarif", "Preis"]], False),
        ([["Tarif"], ["Basis"]], False),
    ],
)
def test_what_counts_as_a_header(rows: list[list[str]], expected: bool) -> None:
    assert looks_like_header(rows) is expected


def test_rows_of_another_width_and_empty_cells_keep_what_they_say() -> None:
    rows = [["Tarif", "Preis"], ["Basis", ""], ["Alle Preise netto"]]
    assert list(lines_of(rows, has_header=True)) == [
        "Tarif | Preis",
        "Tarif: Basis",
        "Alle Preise netto",
    ]


def test_html_rows_carry_the_names_of_their_columns(tmp_path: Path) -> None:
    page = (
        "<html><body><table><thead><tr><th>Tarif</th><th>Preis</th></tr></thead>"
        "<tbody><tr><th>Basis</th><td>29</td></tr></tbody></table></body></html>"
    )
    found = read(tmp_path, "html", page.encode())
    assert found == [("Tarif | Preis", 0), ("Tarif: Basis | Preis: 29", 0)]


def test_pdf_lines_become_headings_and_paragraphs(tmp_path: Path) -> None:
    pages = [
        ["Überschrift", "Die erste Zeile geht", "in der zweiten weiter."],
        ["Kapitel", "Text."],
    ]
    assert read(tmp_path, "pdf", make_pdf(pages)) == [
        ("Überschrift", 1),
        ("Die erste Zeile geht in der zweiten weiter.", 0),
        ("Kapitel", 1),
        ("Text.", 0),
    ]


@pytest.mark.parametrize(
    ("name", "head", "kind", "failure"),
    [
        ("a.pdf", b"%PDF-1.4", "pdf", None),
        ("a.PDF", b"\n%PDF-1.4", "pdf", None),
        ("brief", b"%PDF-1.4", "pdf", None),
        ("a.docx", b"PK\x03\x04x", "docx", None),
        ("a.md", b"# hi", "markdown", None),
        ("readme", b"hi", "text", None),
        ("seite", b"<!DOCTYPE html><p>", "html", None),
        ("a.txt", "hä".encode("utf-16"), "text", None),
        ("a.txt", b"%PDF-1.4", None, "extension_mismatch"),
        ("a.txt", b"\x7fELF\x00\x00", None, "extension_mismatch"),
        ("a.xlsx", b"PK\x03\x04x", None, "unsupported_type"),
        ("a.exe", b"MZ\x00", None, "unsupported_type"),
        ("a.csv", b"a;b", None, "unsupported_type"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", None, "unsupported_type"),
        ("a.txt", b"", None, "empty"),
    ],
)
def test_sniffing(name: str, head: bytes, kind: str | None, failure: str | None) -> None:
    found = sniff(name, head)
    assert (found.kind, found.failure) == (kind, failure)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../x.txt", "x.txt"),
        ("C:\\a\\b.pdf", "b.pdf"),
        ("a\x00b\n.txt", "ab.txt"),
        ("a\r\nb\u2028c.txt", "abc.txt"),
        ("..", "document"),
        ("", "document"),
        ("ä" * 300 + ".pdf", "ä" * 196 + ".pdf"),
        ("e\u0301.txt", "é.txt"),
    ],
)
def test_names(given: str, kept: str) -> None:
    assert safe_name(given) == kept


@pytest.mark.parametrize(
    ("code", "output", "cause"),
    [
        (0, b'{"failure": "zip_bomb"}', "zip_bomb"),
        (-24, b"", "reading_too_long"),
        (-9, b"", "reading_too_big"),
        (-11, b"", "corrupt"),
        (1, b"Traceback", "corrupt"),
    ],
)
def test_how_a_child_died_says_why(code: int, output: bytes, cause: str) -> None:
    with pytest.raises(DocumentUnreadable, match=cause):
        interpret(code, output, Limits(1, 1, 1))


def test_sentences_know_german_abbreviations_and_dates() -> None:
    text = "Am 3. März kam Dr. Müller, z. B. um 9 Uhr. Er ging! Warum? Weil es 2023 war. Ende"
    assert sentences(text) == [
        "Am 3. März kam Dr. Müller, z. B. um 9 Uhr.",
        "Er ging!",
        "Warum?",
        "Weil es 2023 war.",
        "Ende",
    ]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Wie hoch ist die Miete?", "de"),
        ("What is the rent?", "en"),
        ("Kündigungsfrist?", "de"),
        ("Northwind 2024", "fallback"),
    ],
)
def test_language(text: str, language: str) -> None:
    assert detect_language(text, "fallback") == language
