"""HTML and Markdown: what a browser shows comes once, in order, and no words run together."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenant_agent.retrieval.parsing import html_file, markdown_file


def blocks(page: str) -> list[tuple[str, int]]:
    return [(block.text, block.level) for block in html_file.blocks_of(page) if block.text]


def texts(page: str) -> list[str]:
    return [text for text, _ in blocks(page)]


def test_text_beside_paragraphs_is_kept() -> None:
    page = "<h1>Reise</h1><div>Belege binnen <b>14 Tagen</b></div><p>Ende</p>"
    assert blocks(page) == [("Reise", 1), ("Belege binnen 14 Tagen", 0), ("Ende", 0)]


@pytest.mark.parametrize("tag", ["div", "section", "article", "body", "blockquote", "dd", "td"])
def test_text_around_a_block_in_any_element_is_kept(tag: str) -> None:
    page = f"<{tag}>davor<p>mitten</p>danach</{tag}>"
    if tag == "td":
        page = f"<table><tr>{page}</tr></table>"
    assert texts(page) == ["davor", "mitten", "danach"]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>Musterstraße 5<br>80331 München</p>", ["Musterstraße 5 80331 München"]),
        ("<h2>Anschrift<br>der Zentrale</h2>", ["Anschrift der Zentrale"]),
        ("<div>eins<br> <br>zwei</div>", ["eins", "zwei"]),
        ("<p>H<sub>2</sub>O</p>", ["H2O"]),
        ("<select><option>Mai</option><option>Juni</option></select>", ["Mai Juni"]),
        ("<pre>a\n  b<br>c</pre>", ["a\n b\nc"]),
    ],
)
def test_lines_break_without_gluing_words(page: str, expected: list[str]) -> None:
    assert texts(page) == expected


def test_items_of_nested_lists_come_once_each() -> None:
    page = "<ul><li>30 Tage im Jahr<ul><li>Azubis: 27 Tage</li></ul>und mehr</li></ul>"
    assert texts(page) == ["30 Tage im Jahr", "Azubis: 27 Tage", "und mehr"]


def test_a_heading_that_is_never_closed_ends_with_its_line() -> None:
    assert blocks("<h1>Titel<div>Text</div><p>mehr") == [("Titel", 1), ("Text", 0), ("mehr", 0)]
    assert blocks("<h2><div>Titel</div></h2>Text") == [("Titel", 2), ("Text", 0)]


def test_blank_lines_part_a_text_without_elements() -> None:
    assert texts("eins\nweiter\n\nzwei") == ["eins weiter", "zwei"]


def test_paragraphs_in_cells_are_values_of_their_columns() -> None:
    page = (
        "<table><tr><th><p>Tarif</p></th><th>Preis</th></tr>"
        "<tr><td><h4>Basis</h4><p>für Vereine</p></td><td>29 Euro<br>netto</td></tr>"
        "<tr><td></td><td> </td></tr></table>"
    )
    assert texts(page) == ["Tarif | Preis", "Tarif: Basis für Vereine | Preis: 29 Euro netto"]


def test_a_table_that_lays_out_the_page_is_no_row() -> None:
    page = (
        "<table><tr><td><h1>Brief</h1><p>Hallo</p></td></tr><tr><td>links</td><td>vor"
        "<table><tr><th>Tarif</th><th>Preis</th></tr><tr><td>Basis</td><td>29</td></tr></table>"
        "nach</td></tr></table>"
    )
    assert blocks(page) == [
        ("Brief", 1),
        ("Hallo", 0),
        ("links", 0),
        ("vor", 0),
        ("Tarif | Preis", 0),
        ("Tarif: Basis | Preis: 29", 0),
        ("nach", 0),
    ]


@pytest.mark.parametrize(
    "page",
    [
        '<table><tr style="background:#036"><th style="color:#fff">ja</th></tr></table>',
        '<div style="color: white; background-color: #003366">ja</div>',
        '<table bgcolor="#003366"><tr><td style="color:white">ja</td></tr></table>',
        '<div style="background:navy"><p style="background:none;color:#FFFFFF">ja</p></div>',
    ],
)
def test_white_on_a_background_is_seen(page: str) -> None:
    assert texts(page) == ["ja"]


@pytest.mark.parametrize(
    "page",
    [
        '<p style="color:#fff">nein</p>',
        '<p style="color:white;background:transparent">nein</p>',
        '<p style="color:white;background:#fff">nein</p>',
        '<div style="background:navy"><p style="background:white;color:white">nein</p></div>',
        '<p style="background:navy">ja</p><p style="color:white">nein</p>',
        '<div style="background:navy"><p style="color:white;display:none">nein</p></div>',
    ],
)
def test_white_on_white_and_hidden_is_not(page: str) -> None:
    assert "nein" not in texts(page)


@pytest.mark.parametrize("label", ["iso-8859-1", "ISO_8859-1", "latin1", "us-ascii", "ascii"])
def test_labels_that_browsers_read_as_windows_1252(tmp_path: Path, label: str) -> None:
    path = tmp_path / "file"
    text = "„5 €“ \u2013 fünf"
    page = f'<html><head><meta charset="{label}"></head><body><p>{text}</p></body></html>'
    path.write_bytes(page.encode("cp1252"))
    assert [b.text for blocks in html_file.read(path, 1).pages for b in blocks] == [text]


def test_rows_of_mathematics_need_no_table() -> None:
    assert texts("<math><tr><td>a</td></tr><td>b</td></math>") == ["a", "b"]


def test_deep_elements_are_read_without_recursion() -> None:
    assert texts("<div>" * 3000 + "tief" + "</div>" * 3000) == ["tief"]


def test_line_breaks_of_html_in_markdown() -> None:
    text = "| k | v |\n|---|---|\n| a | x<br>y<BR />z |\n\neins<br/>zwei <b>drei</b>\n"
    assert [block.text for block in markdown_file.blocks_of(text)] == [
        "k | v",
        "k: a | v: x y z",
        "eins zwei drei",
    ]


TAGS = ["div", "p", "li", "ul", "h2", "pre", "dl", "dd", "blockquote", "span", "b", "section"]
TREES = st.recursive(
    st.sampled_from(["<br>", "\n ", "#"]),
    lambda children: st.one_of(
        st.builds(
            lambda tag, inner: f"<{tag}>{''.join(inner)}</{tag}>",
            st.sampled_from(TAGS),
            st.lists(children, max_size=4),
        ),
        st.lists(children, min_size=1, max_size=3).map(
            lambda cells: f"<table><tr><td>{'</td><td>'.join(cells)}</td></tr></table>"
        ),
    ),
    max_leaves=25,
)


@given(TREES)
def test_every_text_comes_once_and_in_order(tree: str) -> None:
    first, *rest = tree.split("#")
    numbered = "".join(f" w{number} {part}" for number, part in enumerate(rest))
    found = " ".join(texts(f"<body><i></i>{first}{numbered}</body>")).replace("|", " ").split()
    assert found == [f"w{number}" for number in range(len(rest))]
