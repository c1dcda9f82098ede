"""Surveys over a real store: every count is the number of items that the condition for it finds."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.search import item_sample
from omnisearch.search.counts import count_items, tally, totals
from omnisearch.search.item_list import Selection, list_items
from omnisearch.stores.base import Order, Payload, Point, VectorStore
from omnisearch.stores.catalog import open_store
from omnisearch.stores.ids import point_id
from omnisearch.types import Modality, Segment
from tests.stores.samples import DIM, FINGERPRINT, MODEL, described, points

WHERE = {
    "mime": "mime:{}",
    "year": "date:{}",
    "place": "place:{}",
    "camera": "camera:{}",
    "language": "language:{}",
    "folder": "path:{}",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VectorStore]:
    """Sixty items of three segments each, of three years."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("data"))
    years = [datetime(2022 + n, 7, 1).timestamp() for n in range(3)]
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
        made = points(180)
        opened.upsert([replace(p, payload=replace(p.payload, mtime=years[n // 3 % 3])) for n, p in enumerate(made)])
        yield opened


def found(store: VectorStore, chosen: Selection) -> int:
    return len(list_items(store, chosen, Order(), 200).items)


@pytest.mark.parametrize("asked", [(), ("size>0",), ("path:*-1?.*",), ("path:photos/**", "!mime:image/png")])
def test_each_count_is_what_its_condition_finds(store: VectorStore, asked: tuple[str, ...]) -> None:
    chosen = Selection(where=parse_conditions(asked))
    counted = count_items(store, chosen)
    assert counted.exact
    assert counted.items == found(store, chosen) > 0
    assert sum(counted.facets["modality"].values()) == counted.items
    for value, count in counted.facets["modality"].items():
        assert found(store, replace(chosen, modalities=(Modality(value),))) == count
    for facet, spelled in WHERE.items():
        assert counted.facets[facet]  # type: ignore[index]
        for value, count in counted.facets[facet].items():  # type: ignore[index]
            where = parse_conditions([*asked, spelled.format(value)])
            assert found(store, replace(chosen, where=where)) == count, (facet, value)


def test_folders_begin_at_the_deepest_one_that_holds_all(store: VectorStore) -> None:
    every = count_items(store, Selection())
    assert every.facets["folder"]["/files"] == every.items == 60
    assert "/" not in every.facets["folder"]
    one = [
        Payload(item_id="a", modality=Modality.TEXT, path="/x/y/a.txt"),
        Payload(item_id="b", modality=Modality.TEXT, path="/x/y/b.txt"),
    ]
    assert tally(one).facets["folder"] == {"/x/y": 2}
    apart = [
        Payload(item_id="a", modality=Modality.TEXT, path="/x/a.txt"),
        Payload(item_id="b", modality=Modality.TEXT, path="/xy/b.txt"),
    ]
    assert tally(apart).facets["folder"] == {"/": 2, "/x": 1, "/xy": 1}


def test_what_is_not_known_is_not_counted() -> None:
    bare = tally(
        [
            Payload(item_id="a", modality=Modality.TEXT, path="/a"),
            Payload(item_id="b", modality=Modality.TEXT, path="/b", mtime=1e18),
        ]
    )
    assert (bare.items, bare.facets["mime"], bare.facets["year"]) == (2, {}, {})
    nothing = tally([])
    assert (nothing.items, nothing.size, nothing.facets["folder"]) == (0, 0, {})


def test_totals_are_those_of_all_items(store: VectorStore) -> None:
    whole = totals(store, Modality)
    every = list_items(store, Selection(), Order(), 200).items
    assert whole.items == {m: sum(p.modality is m for p in every) for m in Modality}
    assert whole.segments == {m: 3 * count for m, count in whole.items.items()}
    assert (whole.oldest, whole.newest) == (min(p.mtime for p in every), max(p.mtime for p in every))
    assert count_items(store, Selection()).size == sum(p.size for p in every)


def test_an_empty_index_has_no_oldest_item(tmp_path: Path) -> None:
    with closing(
        open_store(Settings(data_dir=tmp_path), model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)
    ) as empty:
        assert (totals(empty, Modality).oldest, count_items(empty, Selection()).items) == (None, 0)


@pytest.mark.slow
def test_large_selections_are_estimated_from_a_bounded_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 400 of 3,000 items the standard error of a count of all is below 5 %."""
    monkeypatch.setattr(item_sample, "SAMPLE", 400)
    monkeypatch.setattr(item_sample, "STEP", 150)
    facts = [replace(described(n), item_id=f"item-{n}", segment=Segment(), size=1000) for n in range(3000)]
    settings = Settings(data_dir=tmp_path)
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as large:
        ones = np.ones(DIM, np.float32)
        large.upsert([Point(point_id(p.item_id, p.segment), ones, p) for p in facts])
        estimate = count_items(large, Selection())
    assert not estimate.exact
    assert estimate.items == pytest.approx(3000, rel=0.25)
    assert estimate.size == pytest.approx(1000 * estimate.items, rel=0.01)
    true = Counter(p.mime for p in facts)
    for mime, count in true.items():
        assert estimate.facets["mime"][mime] == pytest.approx(count, rel=0.5)
