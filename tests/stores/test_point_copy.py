"""Copies of points from the embedded engine to a server and back. The server is a fake (see `fake_server`)."""

from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.stores import point_copy
from omnisearch.stores.base import Facts, Filter, Lookup, Point, VectorStore
from omnisearch.stores.bm25 import query_weights
from omnisearch.stores.catalog import open_store
from omnisearch.stores.ids import point_id
from omnisearch.stores.point_copy import Endpoints, PointCopy, is_same
from omnisearch.types import Segment
from tests.stores.fake_server import FakeServer, running
from tests.stores.samples import DIM, FINGERPRINT, MODEL, points, vector

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(point_copy, "BATCH_POINTS", 5)
    for place in ("edge", "server"):
        monkeypatch.setattr(f"omnisearch.stores.{place}.PAGE", 4)


def opened(settings: Settings) -> VectorStore:
    return open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)


@pytest.fixture(params=["to a server", "to the embedded engine"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Endpoints]:
    """A source with points of some items, an empty target."""
    with running(FakeServer()) as fake:
        stores = Settings(data_dir=tmp_path), Settings(data_dir=tmp_path, store=fake.url)
        source, target = stores if request.param == "to a server" else stores[::-1]
        with closing(opened(source)) as one, closing(opened(target)) as other:
            one.upsert(written())
            yield Endpoints(one, other, set, alone=target.store is None)


def written() -> list[Point]:
    """Points of eight items, each third one with a text vector."""
    return [replace(p, text_vector=vector(500 + n)) if n % 3 == 0 else p for n, p in enumerate(points(24))]


LOOKUPS = [Lookup(vector(77), 20), Lookup(vector(78), 9, using="text")]
WORDS = [Lookup(query_weights(text), 24) for text in ("photos", "item 3 jpg x", "Lisbon")]


def is_equal(ends: Endpoints) -> bool:
    """Whether both have the same points and find the same. Deleted points still count in the scores of words."""
    stores = ends.source, ends.target
    pairs = zip(*(store.scroll(with_vectors=True) for store in stores), strict=True)
    nearest = [[[(hit.id, hit.score) for hit in page] for page in store.search(LOOKUPS)] for store in stores]
    words = [[{hit.id for hit in page} for page in store.search(WORDS)] for store in stores]
    assert all(words[0])
    for page, same in zip(*nearest, strict=True):
        assert [id_ for id_, _ in page] == [id_ for id_, _ in same]
        np.testing.assert_allclose([score for _, score in page], [score for _, score in same], atol=2e-3)
    return all(is_same(one, other) for one, other in pairs) and words[0] == words[1]


def test_a_copy_has_the_points_and_the_answers_of_its_source(ends: Endpoints) -> None:
    assert ends.compare() == PointCopy(points=24, changed=24)
    assert ends.copy() == PointCopy(points=24, changed=24)
    assert is_equal(ends)
    assert ends.compare() == PointCopy(points=24)


def test_a_second_copy_writes_only_what_differs(ends: Endpoints) -> None:
    ends.copy()
    ends.target.delete(["item-3"])
    ends.target.describe({"item-0": Facts("/elsewhere")})
    changed = next(p for p in written() if p.payload.item_id == "item-5")
    ends.target.upsert([replace(changed, vector=vector(9))])
    assert ends.compare() == PointCopy(points=24, changed=3 + 3 + 1)
    assert ends.copy() == PointCopy(points=24, changed=3 + 3 + 1)
    assert is_equal(ends)
    assert ends.compare() == PointCopy(points=24)


def test_segments_that_the_source_does_not_have_are_removed(ends: Endpoints) -> None:
    """An item that is cut otherwise has other points."""
    ends.copy()
    first = next(p for p in written() if p.payload.item_id == "item-2")
    segment = Segment(7, 70.0, 80.0, "seconds")
    ends.target.upsert([Point(point_id("item-2", segment), vector(3), replace(first.payload, segment=segment))])
    assert ends.copy().stale == 1
    assert ends.target.count() == 24
    assert is_equal(ends)


def test_items_that_the_index_does_not_know_stay_on_a_server_only(ends: Endpoints) -> None:
    ends.copy()
    theirs = [point for point in points(27) if point.payload.item_id == "item-8"]
    ends.target.upsert(theirs)
    ends.known = {f"item-{n}" for n in range(8)}.intersection
    ends.source.upsert(theirs[:1])  # as a run that was interrupted leaves it
    found = ends.copy()
    assert (found.points, found.stale, found.foreign) == ((24, 3, 0) if ends.alone else (24, 0, 3))
    assert ends.target.count(Filter(item_ids=("item-8",))) == (0 if ends.alone else 3)
    assert ends.source.count() == 25


def test_one_batch_is_in_memory_at_a_time(ends: Endpoints) -> None:
    sizes: list[int] = []
    known: Callable[[Collection[str]], Collection[str]] = ends.known

    def find_known(item_ids: Collection[str]) -> Collection[str]:
        sizes.append(len(item_ids))
        return known(item_ids)

    ends.known = find_known
    ends.copy()
    assert len(sizes) == 5
    assert max(sizes) <= point_copy.BATCH_POINTS


@pytest.mark.parametrize("field", ["snippet", "path", "size", "mtime", "added", "tags", "duration", "segment"])
def test_every_field_of_a_payload_is_compared(field: str) -> None:
    [one] = points(1)
    values: dict[str, Any] = {
        "snippet": "other",
        "path": "/other",
        "size": 7,
        "mtime": one.payload.mtime + 0.001,
        "added": 1.0,
        "tags": ("other",),
        "duration": 99.5,
        "segment": Segment(0, 0.0, 10.1, "seconds"),
    }
    other = replace(one, payload=replace(one.payload, **{field: values[field]}))
    assert is_same(one, replace(one))
    assert not is_same(one, other)


def test_vectors_are_equal_within_rounding() -> None:
    [one] = points(1)
    with_text = replace(one, text_vector=vector(3))
    assert is_same(with_text, replace(with_text, vector=one.vector + np.float32(1e-6)))
    assert not is_same(with_text, replace(with_text, vector=one.vector + np.float32(1e-3)))
    assert not is_same(with_text, replace(with_text, text_vector=vector(3) + np.float32(1e-2)))
    assert not is_same(with_text, one)
    assert not is_same(one, replace(one, vector=vector(0, DIM + 1)))
