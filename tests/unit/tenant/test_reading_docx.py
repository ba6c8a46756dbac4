"""Word documents: nothing in content controls is lost, and pages are those Word noted."""

from __future__ import annotations

import io
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from tenant_agent.errors import DocumentUnreadable
from tenant_agent.retrieval.blocks import Parsed
from tenant_agent.retrieval.chunking import chunks_of
from tenant_agent.retrieval.parsing.child import reader_of

NAMESPACE = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
RENDERED = "<w:r><w:lastRenderedPageBreak/></w:r>"
PUT = '<w:r><w:br w:type="page"/></w:r>'
PICTURE = "<w:r><w:drawing/></w:r>"
BEFORE = "<w:pPr><w:pageBreakBefore/></w:pPr>"


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def p(*parts: str) -> str:
    """A paragraph of runs; what is no XML is text."""
    runs = (part if part.startswith("<") else run(part) for part in parts)
    return f"<w:p>{''.join(runs)}</w:p>"


def sdt(*content: str) -> str:
    return f"<w:sdt><w:sdtPr/><w:sdtContent>{''.join(content)}</w:sdtContent></w:sdt>"


def tc(*content: str) -> str:
    return f"<w:tc>{''.join(content)}</w:tc>"


def tr(*cells: str) -> str:
    return f"<w:tr>{''.join(cells)}</w:tr>"


def tbl(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/><w:tblGrid/>{''.join(rows)}</w:tbl>"


def read(folder: Path, *body: str, max_pages: int = 100) -> Parsed:
    document = docx.Document()
    holder = parse_xml(f"<w:body {NAMESPACE}>{''.join(body)}</w:body>")
    for element in list(holder):
        document.element.body.insert_element_before(element, "w:sectPr")
    content = io.BytesIO()
    document.save(content)
    path = folder / "file"
    path.write_bytes(content.getvalue())
    return reader_of("docx")(path, max_pages)


def pages(parsed: Parsed) -> list[list[str]]:
    assert parsed.paged
    return [[block.text for block in page] for page in parsed.pages]


def texts(parsed: Parsed) -> list[str]:
    return [block.text for page in parsed.pages for block in page]


def test_content_controls_hide_nothing(tmp_path: Path) -> None:
    heading = '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr>' + run("Frist") + "</w:p>"
    parsed = read(
        tmp_path,
        sdt(heading, sdt(p("Drei Monate."))),
        "<w:customXml>" + p("Ohne Grund.") + "</w:customXml>",
        sdt(
            tbl(tr(tc(p("Tarif")), tc(p("Preis"))), sdt(tr(tc(sdt(p("Basis"))), sdt(tc(p("29"))))))
        ),
        p("Ende."),
    )
    assert [(b.text, b.level) for page in parsed.pages for b in page] == [
        ("Frist", 1),
        ("Drei Monate.", 0),
        ("Ohne Grund.", 0),
        ("Tarif | Preis", 0),
        ("Tarif: Basis | Preis: 29", 0),
        ("Ende.", 0),
    ]


def box(*content: str) -> str:
    """A text box as Word writes it: in a newer form, and an older one for other programs."""
    inner = f"<w:txbxContent>{''.join(content)}</w:txbxContent>"
    choice = f'<mc:Choice Requires="wps"><w:drawing>{inner}</w:drawing></mc:Choice>'
    fallback = f"<mc:Fallback><w:pict>{inner}</w:pict></mc:Fallback>"
    return f"<w:r><mc:AlternateContent {MC}>{choice}{fallback}</mc:AlternateContent></w:r>"


def test_a_text_box_comes_once_and_beside_its_paragraph(tmp_path: Path) -> None:
    parsed = read(tmp_path, p("Der Brief.", box(p("Unser Zeichen"), p("AB 12")), "Sein Ende."))
    assert texts(parsed) == ["Der Brief.Sein Ende.", "Unser Zeichen", "AB 12"]


def test_moved_text_is_where_it_was_moved_to(tmp_path: Path) -> None:
    moved = f"<w:moveFrom>{run('Frist. ')}</w:moveFrom>"
    target = f"<w:moveTo>{run('Frist.')}</w:moveTo>"
    hyphen = "<w:r><w:t>E</w:t><w:noBreakHyphen/><w:t>Mail</w:t></w:r>"
    assert texts(read(tmp_path, p(moved, hyphen), p(target))) == ["E-Mail", "Frist."]


def test_a_table_in_a_table_comes_once(tmp_path: Path) -> None:
    inner = tbl(tr(tc(p("Tarif")), tc(p("Preis"))), tr(tc(p("Basis")), tc(p("29"))))
    parsed = read(tmp_path, tbl(tr(tc(p("links")), tc(p("vor"), inner, p("nach")))))
    assert texts(parsed) == ["links", "vor", "Tarif | Preis", "Tarif: Basis | Preis: 29", "nach"]


def test_a_box_of_paragraphs_keeps_them_apart_and_an_empty_row_says_nothing(
    tmp_path: Path,
) -> None:
    parsed = read(tmp_path, tbl(tr(tc(p("Hinweis"), p("Bitte lesen."))), tr(tc(p()), tc(p()))))
    assert texts(parsed) == ["Hinweis", "Bitte lesen."]


def test_rows_without_cells_do_no_harm(tmp_path: Path) -> None:
    odd = tr("<w:unknown>" + tbl(tr(tc(p("x")))) + "</w:unknown>")
    assert texts(read(tmp_path, tbl(tr(), odd, tr(tc(p("a")), tc(p("b")))))) == ["a | b"]


def test_pages_begin_in_tables(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        p("Eins."),
        tbl(tr(tc(p("Tarif")), tc(p("Preis"))), tr(tc(p(RENDERED, "Basis")), tc(p("29")))),
        p("Zwei."),
        p(RENDERED, "Drei."),
    )
    assert pages(parsed) == [
        ["Eins.", "Tarif | Preis"],
        ["Tarif: Basis | Preis: 29", "Zwei."],
        ["Drei."],
    ]


def test_a_page_that_begins_in_each_cell_of_a_row_is_one(tmp_path: Path) -> None:
    crossing = tr(tc(p("Basis", RENDERED, " neu")), tc(p("29"), p(RENDERED, "Euro")))
    deep = tr(tc(p("Tief", RENDERED), p(RENDERED)), tc(p("x")))
    parsed = read(tmp_path, tbl(crossing, deep), p("Ende."))
    assert pages(parsed) == [["Basis neu | 29 Euro"], ["Tief | x"], [], ["Ende."]]


def test_a_layout_of_cells_keeps_its_pages(tmp_path: Path) -> None:
    parsed = read(tmp_path, tbl(tr(tc(p("Eins."), p(RENDERED, "Zwei.")))), p(RENDERED, "Drei."))
    assert pages(parsed) == [["Eins."], ["Zwei."], ["Drei."]]


def test_a_page_with_a_picture_only_counts(tmp_path: Path) -> None:
    parsed = read(tmp_path, p("Eins."), p(RENDERED, PICTURE), p(RENDERED, "Drei."))
    assert pages(parsed) == [["Eins."], [], ["Drei."]]


def test_paragraphs_that_cross_pages_are_cut_where_sentences_begin(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        p("Der erste Satz. Der zweite geht ", RENDERED, "weiter. Der dritte."),
        p("Der vierte. ", RENDERED, "Der fünfte über ", RENDERED, "die Seite."),
        p(RENDERED, "Ende."),
    )
    assert pages(parsed) == [
        ["Der erste Satz. Der zweite geht weiter."],
        ["Der dritte.", "Der vierte."],
        ["Der fünfte über die Seite."],
        [],
        ["Ende."],
    ]


def test_breaks_that_word_has_noted_count_once(tmp_path: Path) -> None:
    parsed = read(tmp_path, p("Titel", PUT), p(RENDERED, "Zwei."), p(BEFORE, RENDERED, "Drei."))
    assert pages(parsed) == [["Titel"], ["Zwei."], ["Drei."]]
    parsed = read(tmp_path, p("Titel", PUT, RENDERED, "Kapitel"))
    assert pages(parsed) == [["Titel"], ["Kapitel"]]


def test_breaks_put_there_count_where_word_has_noted_none(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        p(BEFORE, "Eins."),
        p("Noch eins.", PUT, "Zwei."),
        p(PUT),
        p(PICTURE, PUT),
        p('<w:pPr><w:pageBreakBefore w:val="0"/></w:pPr>', "Vier."),
        sdt(p(BEFORE, "Fünf.")),
    )
    assert pages(parsed) == [["Eins.", "Noch eins."], ["Zwei."], [], ["Vier."], ["Fünf."]]


def test_a_break_that_is_deleted_begins_no_page(tmp_path: Path) -> None:
    parsed = read(tmp_path, p("Eins."), p("<w:del>" + PUT + "</w:del>", "Zwei."))
    assert (parsed.paged, texts(parsed)) == (False, ["Eins.", "Zwei."])


def test_empty_pages_count_towards_the_limit(tmp_path: Path) -> None:
    with pytest.raises(DocumentUnreadable, match="too_many_pages"):
        read(tmp_path, *[p(RENDERED, PICTURE)] * 3, p("Ende."), max_pages=3)


def test_passages_are_on_the_pages_of_the_document(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        p("Die Anreise am Montag."),
        tbl(tr(tc(p("Ort")), tc(p("Tag"))), tr(tc(p(RENDERED, "Bonn")), tc(p("Di")))),
        p(RENDERED, PICTURE),
        p(RENDERED, "Die Abreise am Freitag."),
    )
    found = {chunk.text: chunk.page for chunk in chunks_of(parsed)}
    assert found == {
        "Die Anreise am Montag.\n\nOrt | Tag": 1,
        "Ort: Bonn | Tag: Di": 2,
        "Die Abreise am Freitag.": 4,
    }
