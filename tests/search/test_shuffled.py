"""Items in the order of a seed: each once, whatever the size of a page; first items of many seeds are all items."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest

from omnisearch.config import Settings
from omnisearch.cursors import pack
from omnisearch.errors import QueryError
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.search import shuffled
from omnisearch.search.item_list import Selection, list_name
from omnisearch.search.shuffled import Shuffle, shuffled_items
from omnisearch.stores.base import VectorStore
from omnisearch.stores.catalog import open_store
from omnisearch.types import Modality
from tests.stores.samples import DIM, FINGERPRINT, MODEL, points

ITEMS = 40
ALL = Selection()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorStore]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"))
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
        opened.upsert(points(3 * ITEMS))
        yield opened


@pytest.fixture(params=[(512, 256), (8, 4), (3, 1)], ids=str)
def windows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows that hold all items, and windows that hold a part of them."""
    monkeypatch.setattr(shuffled, "WINDOW", request.param[0])
    monkeypatch.setattr(shuffled, "STEP", request.param[1])


def walk(store: VectorStore, chosen: Selection, seed: int, limit: int) -> list[str]:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = shuffled_items(store, chosen, Shuffle(seed), limit, cursor)
        assert len(page.items) <= limit
        found += [payload.item_id for payload in page.items]
        cursor = page.next_cursor
    return found


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_every_item_is_in_the_list_once(store: VectorStore, seed: int) -> None:
    whole = walk(store, ALL, seed, 200)
    assert sorted(whole) == sorted(f"item-{n}" for n in range(ITEMS))
    for limit in (1, 7, ITEMS):
        assert walk(store, ALL, seed, limit) == whole


def test_first_items_of_many_seeds_are_a_uniform_sample(store: VectorStore) -> None:
    seeds = 60
    firsts = Counter(shuffled_items(store, ALL, Shuffle(seed), 1).items[0].item_id for seed in range(seeds))
    assert len(firsts) > ITEMS / 2
    assert max(firsts.values()) < seeds / 4


@pytest.mark.usefixtures("windows")
def test_a_selection_is_kept(store: VectorStore) -> None:
    chosen = Selection((Modality.TEXT, Modality.IMAGE), parse_conditions(["path:item-1?.*"]))
    expected = {f"item-{n}" for n in range(10, 20) if n % 5 < 2}
    found = walk(store, chosen, 5, 3)
    assert set(found) == expected
    assert len(found) == len(expected)


def test_a_cursor_of_another_seed_or_no_cursor_is_refused(store: VectorStore) -> None:
    cursor = shuffled_items(store, ALL, Shuffle(1), 5).next_cursor
    assert cursor
    with pytest.raises(QueryError, match="another query"):
        shuffled_items(store, ALL, Shuffle(2), 5, cursor)
    whose = list_name(store.collection, ALL, "sample", 1)
    for place in ((), ("x", False, 0), ("", 1, 0), ("", False, -1), ("", False, "a"), ("", False, True)):
        with pytest.raises(QueryError, match="is no cursor"):
            shuffled_items(store, ALL, Shuffle(1), 5, pack(whose, *place))
    assert shuffled_items(store, ALL, Shuffle(1), 5, pack(whose, "", True, 10**9)).items is not None
