"""Chunks keep structure, know their place, and never grow past the limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tenant_agent.retrieval.blocks import Block, Parsed, page_text
from tenant_agent.retrieval.chunking import LIMIT, TARGET, chunks_of

SENTENCE = "Die Frist beträgt drei Monate zum Ende eines Quartals. "


def test_headings_travel_with_their_text_and_are_not_passages() -> None:
    page = [Block("Vertrag", 1), Block("Miete", 2), Block("1.250 Euro."), Block("Frist", 2)]
    found = list(chunks_of(Parsed([[*page, Block("Drei Monate.")]], paged=True)))
    assert [(c.heading, c.text) for c in found] == [
        ("Vertrag > Miete", "1.250 Euro."),
        ("Vertrag > Frist", "Drei Monate."),
    ]


def test_a_heading_goes_on_over_the_page_and_is_left_by_its_equal() -> None:
    pages = [[Block("A", 1), Block("eins")], [Block("zwei"), Block("B", 1), Block("drei")]]
    found = list(chunks_of(Parsed(pages, paged=True)))
    assert [(c.page, c.heading, c.text) for c in found] == [
        (1, "A", "eins"),
        (2, "A", "zwei"),
        (2, "B", "drei"),
    ]


def test_a_heading_with_nothing_under_it_is_still_findable() -> None:
    found = list(chunks_of(Parsed([[Block("Kapitel ohne Text", 1)]], paged=True)))
    assert [c.text for c in found] == ["Kapitel ohne Text"]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    found = list(chunks_of(Parsed([[Block((SENTENCE * 60).strip())]], paged=False)))
    assert len(found) > 2
    assert all(c.text.startswith("Die Frist") and c.text.endswith("Quartals.") for c in found)


def test_a_short_line_goes_with_the_paragraph_after_it() -> None:
    title, abstract = "Diffusion in weißer Substanz", (SENTENCE * 20).strip()
    assert len(abstract) > TARGET
    found = list(chunks_of(Parsed([[Block(title), Block(abstract)]])))
    assert [c.text for c in found] == [f"{title}\n\n{abstract}"]


def test_a_paragraph_of_some_length_stays_apart_from_one_that_does_not_fit() -> None:
    first, second = (SENTENCE * 5).strip(), (SENTENCE * 18).strip()
    found = list(chunks_of(Parsed([[Block(first), Block(second)]])))
    assert [c.text for c in found] == [first, second]


BLOCKS = st.builds(
    Block,
    st.text(alphabet="ab. \nÄ😀", min_size=1, max_size=4000),
    st.sampled_from([0, 0, 0, 1, 2]),
)


@given(st.lists(st.lists(BLOCKS, max_size=6), max_size=3))
def test_offsets_point_at_the_text_and_nothing_is_too_long(pages: list[list[Block]]) -> None:
    parsed = Parsed(pages, paged=True)
    for chunk in chunks_of(parsed):
        assert page_text(pages[chunk.page - 1])[chunk.start : chunk.end] == chunk.text
        assert len(chunk.text) <= LIMIT + 4
        assert chunk.text.strip()


@given(st.lists(st.lists(BLOCKS, max_size=6), max_size=3))
def test_every_body_word_is_in_a_chunk(pages: list[list[Block]]) -> None:
    found = {word for c in chunks_of(Parsed(pages, paged=True)) for word in c.text.split()}
    body = {word for page in pages for b in page if not b.level for word in b.text.split()}
    long = {word for word in body if len(word) > 500}
    assert body - long <= found
