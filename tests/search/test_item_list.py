"""Lists of items over a real store: every item once, in order, whatever the size of a page; cursors of another list."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch.cursors import pack
from omnisearch.errors import QueryError
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.search import item_list
from omnisearch.search.item_list import Selection, list_items
from omnisearch.stores.base import Order, Payload, VectorStore
from omnisearch.stores.catalog import open_store
from omnisearch.types import Modality
from tests.stores.samples import DIM, FINGERPRINT, MODEL, points

ALL = Selection()
NEWEST = Order("mtime", descending=True)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorStore]:
    """Forty items of three segments each; their times and sizes take four values."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"))
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
        opened.upsert(points(120))
        yield opened


def walk(store: VectorStore, chosen: Selection, order: Order, limit: int) -> list[Payload]:
    """All pages of a list."""
    found: list[Payload] = []
    cursor: str | None = ""
    while cursor is not None:
        page = list_items(store, chosen, order, limit, cursor)
        assert len(page.items) <= limit
        found += page.items
        cursor = page.next_cursor
    return found


def test_every_size_of_page_gives_the_same_list(store: VectorStore) -> None:
    whole = walk(store, ALL, NEWEST, 200)
    assert sorted(p.item_id for p in whole) == sorted(f"item-{n}" for n in range(40))
    assert [p.mtime for p in whole] == sorted((p.mtime for p in whole), reverse=True)
    for limit in (1, 3, 10, 39, 40):
        assert walk(store, ALL, NEWEST, limit) == whole


def test_a_selection_is_kept_over_all_pages(store: VectorStore) -> None:
    where = parse_conditions(["path:photos/**", "size>0"])
    chosen = Selection((Modality.TEXT, Modality.IMAGE, Modality.AUDIO), where)
    expected = {
        p.item_id
        for p in walk(store, ALL, Order(), 200)
        if p.modality in chosen.modalities and "/photos/" in p.path and p.size > 0
    }
    assert 0 < len(expected) < 20
    assert {p.item_id for p in walk(store, chosen, Order("size"), 2)} == expected


def test_conditions_that_refuse_nearly_all_make_short_pages_and_no_long_requests(
    store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Engines cannot decide wildcards within names, so every item is looked at, a few in each request."""
    monkeypatch.setattr(item_list, "LOOKED_AT", 4)
    monkeypatch.setattr(item_list, "STEP", 2)
    chosen = Selection(where=parse_conditions(["path:item-1?.*"]))
    first = list_items(store, chosen, Order(), 5)
    assert first.next_cursor is not None
    assert len(first.items) < 5
    assert {p.item_id for p in walk(store, chosen, Order(), 5)} == {f"item-{n}" for n in range(10, 20)}


@pytest.mark.parametrize(
    "asked",
    [
        (ALL, Order("mtime")),
        (ALL, Order("size", descending=True)),
        (Selection((Modality.TEXT,)), NEWEST),
        (Selection(where=parse_conditions(["size>0"])), NEWEST),
    ],
)
def test_a_cursor_of_another_list_is_refused(store: VectorStore, asked: tuple[Selection, Order]) -> None:
    cursor = list_items(store, ALL, NEWEST, 5).next_cursor
    assert cursor
    with pytest.raises(QueryError, match="another query or another index"):
        list_items(store, *asked, 5, cursor)


def test_a_cursor_of_another_index_is_refused(store: VectorStore, tmp_path: Path) -> None:
    cursor = list_items(store, ALL, NEWEST, 5).next_cursor
    assert cursor
    named = {"model": MODEL, "dim": DIM, "fingerprint": "f" * 64}
    with (
        closing(open_store(Settings(data_dir=tmp_path), **named, create=True)) as other,
        pytest.raises(QueryError, match="another query or another index"),
    ):
        list_items(other, ALL, NEWEST, 5, cursor)


@pytest.mark.parametrize(
    "place",
    [
        "x",
        "=" * 9000,
        "WzFd",
        "bnVsbA",
    ],
)
def test_what_is_no_cursor_is_refused(store: VectorStore, place: str) -> None:
    with pytest.raises(QueryError, match="cursor"):
        list_items(store, ALL, NEWEST, 5, place)


def test_a_forged_place_of_the_right_list_is_refused(store: VectorStore) -> None:
    whose = item_list.list_name(store.collection, ALL, "mtime", True)
    for rest in ((), ("no-id", 1.0), (5, 1.0), ("0" * 32, float("nan")), ("0" * 32, "a"), ("0" * 32, 1, 2)):
        with pytest.raises(QueryError, match="is no cursor"):
            list_items(store, ALL, NEWEST, 5, pack(whose, *rest))


def test_an_item_that_is_added_or_removed_between_pages_moves_no_other(store: VectorStore, tmp_path: Path) -> None:
    with closing(
        open_store(Settings(data_dir=tmp_path), model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)
    ) as mine:
        mine.upsert(points(60))
        whole = walk(mine, ALL, NEWEST, 200)
        first = list_items(mine, ALL, NEWEST, 8)
        mine.delete([whole[3].item_id, whole[7].item_id])  # the last of the page is gone as well
        assert first.next_cursor is not None
        rest = list_items(mine, ALL, NEWEST, 200, first.next_cursor)
        assert [p.item_id for p in rest.items] == [p.item_id for p in whole[8:]]
