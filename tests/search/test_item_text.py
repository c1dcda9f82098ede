"""The text of an item over a real store: all of it, in order, whatever the size of a page."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from omnisearch.config import Settings
from omnisearch.errors import NoTextError, NotFoundError, QueryError
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.texts.passages import passages
from omnisearch.search.item_text import Passage, read_text
from omnisearch.stores.base import Payload, Point, VectorStore
from omnisearch.stores.catalog import open_store
from omnisearch.stores.ids import point_id
from omnisearch.types import Modality
from tests.stores.samples import DIM, FINGERPRINT, MODEL, vector

LONG = "".join(f"Sentence {n} of the caf\u00e9 \U0001f436 ends here. " for n in range(200))
TEXTS = {"long": LONG, "short": "Ein Hund, caf\u00e9"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorStore]:
    """A text of many passages, one of a single passage, and a picture."""
    picture = Payload(item_id="image", modality=Modality.IMAGE, path="/a")
    points = [Point(point_id("image", picture.segment), vector(0), picture)]
    for name, text in TEXTS.items():
        pieces = list(passages([("", text)], Segmentation(10, 2, 400, 60)))
        for piece in pieces:
            payload = Payload(
                item_id=name, modality=Modality.TEXT, path="/a", segment=piece.segment, segments=len(pieces)
            )
            payload = replace(payload, snippet=piece.snippet, passage=str(piece.content))
            points.append(Point(point_id(name, piece.segment), vector(len(points)), payload))
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"))
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
        opened.upsert(points)
        yield opened


def walk(store: VectorStore, item_id: str, limit: int) -> list[Passage]:
    """All pages of a text."""
    found: list[Passage] = []
    cursor: str | None = ""
    while cursor is not None:
        page = read_text(store, item_id, limit, cursor)
        assert 0 < len(page.passages) <= limit
        found += page.passages
        cursor = page.next_cursor
    assert page.total == len(found)
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
@pytest.mark.parametrize("name", TEXTS)
def test_passages_of_every_size_of_page_make_the_text(store: VectorStore, name: str, limit: int) -> None:
    found = walk(store, name, limit)
    assert [passage.index for passage in found] == list(range(len(found)))
    assert all(passage.text == TEXTS[name][passage.start : passage.end] for passage in found)
    starts = [passage.start for passage in found[1:]] + [found[-1].end]
    parts = [passage.text[: start - passage.start] for passage, start in zip(found, starts, strict=True)]
    assert "".join(parts) == TEXTS[name]


def test_items_without_text_are_refused(store: VectorStore) -> None:
    with pytest.raises(NoTextError, match="image"):
        read_text(store, "image", 5)
    with pytest.raises(NotFoundError, match="no item"):
        read_text(store, "nothing", 5)


@pytest.mark.parametrize("cursor", ["x", "WzFd", "a" * 9000])
def test_what_is_no_cursor_is_refused(store: VectorStore, cursor: str) -> None:
    with pytest.raises(QueryError, match="is no cursor"):
        read_text(store, "long", 5, cursor)


def test_a_cursor_of_another_item_is_refused(store: VectorStore) -> None:
    cursor = read_text(store, "long", 5).next_cursor
    assert cursor
    with pytest.raises(QueryError, match="another query or another index"):
        read_text(store, "short", 5, cursor)
