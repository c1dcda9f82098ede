"""Passages of documents: they end with a part where they can, and name the part in which they begin."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.media.segmentation import Segmentation
from omnisearch.media.texts.parts import Part, joined, part_name
from omnisearch.media.texts.passages import passages
from omnisearch.media.versions import VERSION, changed, is_current
from omnisearch.types import Piece
from tests.media import makers
from tests.media.test_texts import read

CUT = Segmentation(seconds=10, overlap=2, characters=100, character_overlap=20)


def cut(*parts: tuple[str, str]) -> list[Piece]:
    return list(passages(joined((Part(name, [words]) for name, words in parts), 1 << 20, []), CUT))


def named(pieces: Sequence[Piece]) -> list[tuple[str, str]]:
    return [(piece.segment.part, str(piece.content).strip()) for piece in pieces]


def test_a_passage_ends_with_its_part() -> None:
    pages = [("page 1", "a " * 20 + "end."), ("page 2", "b " * 55 + "end."), ("page 3", "c " * 20 + "end.")]
    pieces = cut(*pages)
    assert named(pieces) == pages
    bounds = [(piece.segment.start, piece.segment.end) for piece in pieces]
    assert [end for _, end in bounds[:-1]] == [start for start, _ in bounds[1:]]  # without overlap


def test_short_parts_are_joined_and_the_first_is_named() -> None:
    pieces = cut(*((f"slide {number}", f"word{number}") for number in range(1, 31)))
    assert pieces[0].segment.part == "slide 1"
    words = " ".join(str(piece.content) for piece in pieces).split()
    assert words == [f"word{number}" for number in range(1, 31)]
    for piece in pieces:
        assert str(piece.content).split()[0] == piece.segment.part.replace("slide ", "word")


def test_parts_without_words_are_left_out() -> None:
    assert named(cut(("page 1", " \n "), ("page 2", "words"), ("page 3", ""))) == [("page 2", "words")]


@given(st.lists(st.text(alphabet="ab .\n", max_size=300), max_size=12))
def test_a_passage_names_the_part_in_which_it_begins(words: list[str]) -> None:
    parts = [(f"page {number}", text) for number, text in enumerate(words)]
    text, begins = "", dict[str, int]()
    for name, block in joined((Part(*each) for each in ((n, [w]) for n, w in parts)), 1 << 20, []):
        begins.setdefault(name, len(text))
        text += block
    for piece in cut(*parts) if text else ():
        start = int(piece.segment.start or 0)
        assert piece.segment.part == max((name for name in begins if begins[name] <= start), key=begins.__getitem__)
        assert text[start:].startswith(str(piece.content))


def test_the_limit_counts_all_parts() -> None:
    notes: list[str] = []
    parts = [Part("page 1", ["abc"]), Part("page 2", ["defgh"])]
    assert "".join(block for _, block in joined(parts, 6, notes)) == "abc\n\ndef"
    assert notes == ["partly read: the first 6 characters"]


def test_a_passage_of_a_pdf_names_its_page() -> None:
    decoded = read(makers.pdf_of([f"Number {page} " + "of the book " * 40 for page in range(1, 6)]), "pdf")
    for piece in decoded.pieces:
        assert piece.segment.part == f"page {str(piece.content).split()[1]}"


def test_a_name_is_one_short_line() -> None:
    assert part_name("sheet", "Budget\n 2026") == "sheet Budget 2026"
    assert len(part_name("sheet", "x" * 5000)) == 80


@pytest.mark.parametrize(
    ("made_by", "mime", "current"),
    [
        (f"media-{VERSION}:cut", "application/pdf", True),
        ("media-3:cut", "text/plain", True),
        ("media-3:cut", "application/pdf", False),
        ("media-4:cut", "application/pdf", True),
        ("media-5:cut", "image/png", False),
        ("media-2:cut", "text/plain", False),
        ("media-4:cut", "audio/ogg", True),
        ("media-4:cut", "model/stl", False),
        ("media-3:other", "text/plain", False),
        (f"media-{VERSION + 1}:cut", "text/plain", False),
        ("?media-3:cut", "text/plain", False),
        ("", "text/plain", False),
    ],
)
def test_a_kind_that_did_not_change_is_not_read_again(made_by: str, mime: str, current: bool) -> None:
    assert is_current(made_by, f"media-{VERSION}:cut", mime) is current


def test_every_version_from_the_first_that_counts_is_named() -> None:
    assert set(changed()) == set(range(4, VERSION + 1))
