"""Locations of the words that were read in an indexed file."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.media.pool import DecoderPool
from omnisearch.query.expressions import Sum, Term
from omnisearch.search.index import Index
from omnisearch.search.locate.locate import Locator
from omnisearch.search.locate.location_json import location_json
from omnisearch.search.locate.readings import find_words
from omnisearch.search.plan.embed import Embedder
from omnisearch.types import Reading, Region, Segment
from omnisearch_indexer.session import index_files
from tests.indexer.conftest import write_image

BOX, OTHER = Region(0.1, 0.2, 0.3, 0.05, relative=True), Region(0.1, 0.4, 0.3, 0.05, relative=True)
RECEIPT = [Reading("ocr", "ACME Corp", box=OTHER), Reading("ocr", "Total 17.20 EUR", box=BOX)]


def ask(text: str) -> Sum:
    (total,) = Term(text).leaves
    return total


def test_the_reading_with_most_of_the_words_is_first_and_has_its_place() -> None:
    said = [
        Reading("speech", "the budget is late", 10.0, 12.5),
        Reading("speech", "the budget meeting is on Friday", 12.5, 15.0),
        Reading("speech", "who has the coffee?", 15.0, 16.0),
    ]
    first, second = find_words(ask("budget meeting"), said)
    assert (first.at, second.at) == (Segment(0, 12.5, 15.0, "seconds"), Segment(0, 10.0, 12.5, "seconds"))
    assert (first.score, second.score) == (1.0, 0.5)
    assert first.relevance > second.relevance
    assert first.text is not None
    assert [first.text.text[a:b] for a, b in first.text.marks] == ["budget", "meeting"]


@pytest.mark.parametrize("text", ["coffee", "the", "..."])
def test_without_its_words_there_is_no_location(text: str) -> None:
    assert find_words(ask(text), RECEIPT) == []


def test_a_reading_without_a_place_is_no_location() -> None:
    assert find_words(ask("total"), [Reading("ocr", "total")]) == []


@pytest.fixture
def settings(tmp_path: Path, hashed_model: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data", model=str(hashed_model))


def test_words_of_an_indexed_picture_are_located_until_it_changes(settings: Settings, tmp_path: Path) -> None:
    path = write_image(tmp_path / "a picture.png")
    index_files([path], settings)
    index = Index.open(settings)
    with closing(index.store), DecoderPool(settings, workers=1) as files, Locator(Embedder(files), settings) as locator:
        [point] = index.store.scroll(with_vectors=True)
        index.store.upsert([replace(point, payload=replace(point.payload, readings=tuple(RECEIPT)))])
        best, *rest = locator.locate(index, Term("total EUR"), path).places
        assert rest
        row = location_json(best, path.name)
        assert (row["field"], row["text"], row["marks"]) == ("ocr", "Total 17.20 EUR", [[0, 5], [12, 15]])
        assert row["slice"] == "0.1,0.2,0.3,0.05"
        assert not any(place.text for place in rest)
        both = locator.locate(index, Term("total EUR") & Term("red"), path).places
        assert not any(place.text for place in both)
        write_image(path, seed=5, side=50)
        assert not any(place.text for place in locator.locate(index, Term("total EUR"), path).places)
