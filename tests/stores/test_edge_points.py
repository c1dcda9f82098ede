"""Points that are kept by a client: they never differ from what the store holds."""

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.stores.base import Facts, Filter, Lookup, Payload, Point, Scored, VectorStore
from omnisearch.stores.catalog import open_store
from omnisearch.stores.edge import EdgeStore
from omnisearch.stores.edge_points import PointCache
from omnisearch.types import Floats, Modality
from tests.stores.conftest import reopen
from tests.stores.samples import DIM, FINGERPRINT, MODEL, points, vector


class Shelf:
    """Points of one version, and what was read from it."""

    def __init__(self, *ids: str) -> None:
        self.version = "1"
        self.points = {
            id_: Point(id_, np.ones(2, np.float32), Payload(item_id=id_, modality=Modality.IMAGE, path=id_))
            for id_ in ids
        }
        self.read: list[list[str]] = []

    def fetch(self, ids: Sequence[str]) -> tuple[str, list[Point]]:
        self.read.append(list(ids))
        return self.version, [self.points[id_] for id_ in ids if id_ in self.points]


def test_a_point_is_read_once_while_the_version_stays() -> None:
    shelf = Shelf("a", "b", "c")
    cache = PointCache(shelf.fetch)
    assert set(cache.get("1", ["a", "b", "a"])) == {"a", "b"}
    assert cache.get("1", ["c", "b"])["b"] is shelf.points["b"]
    assert shelf.read == [["a", "b"], ["c"]]
    shelf.version = "2"
    cache.get("2", ["a"])
    assert shelf.read[-1] == ["a"]


def test_what_is_read_at_a_later_version_is_not_kept() -> None:
    shelf = Shelf("a")
    cache = PointCache(shelf.fetch)
    shelf.version = "2"
    assert set(cache.get("1", ["a"])) == {"a"}
    cache.get("1", ["a"])
    assert shelf.read == [["a"], ["a"]]


def test_a_deleted_point_is_left_out() -> None:
    assert set(PointCache(Shelf("a").fetch).get("1", ["a", "gone"])) == {"a"}


def test_the_least_recently_used_points_go_first_and_an_answer_may_exceed_the_bound() -> None:
    shelf = Shelf(*"abcd")
    cache = PointCache(shelf.fetch, most=2)
    assert set(cache.get("1", "abcd")) == set("abcd")
    cache.get("1", "c")
    cache.get("1", "a")
    cache.get("1", "c")
    assert shelf.read == [list("abcd"), ["a"]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def store(settings: Settings) -> Iterator[VectorStore]:
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
        yield opened


def test_a_search_that_was_answered_before_reads_no_points(store: EdgeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.upsert(points(5))
    asked: list[str] = []
    ask = store._ask
    monkeypatch.setattr(store, "_ask", lambda do, vectors=None, **body: (asked.append(do), ask(do, vectors, **body))[1])
    first = store.search([Lookup(vector(1), 5)], with_vectors=True)
    again = store.search([Lookup(vector(1), 5)], with_vectors=True)
    assert asked == ["search", "points", "search"]
    assert_same(first, again)


def test_a_reader_sees_what_another_process_writes(settings: Settings, store: VectorStore) -> None:
    """Random writes through one connection: a reader with kept points answers like one without."""
    draw, known = random.Random(0), points(12)
    store.upsert(known)
    with closing(reopen(settings)) as reader:
        for _ in range(30):
            one = draw.choice(known)
            match draw.choice(("upsert", "describe", "delete")):
                case "upsert":
                    store.upsert([replace(one, payload=replace(one.payload, snippet=str(draw.random())))])
                case "describe":
                    store.describe({one.payload.item_id: Facts(f"/moved/{draw.random()}", tags=("new",))})
                case "delete":
                    store.delete([one.payload.item_id])
            lookups = [Lookup(vector(draw.randrange(9)), draw.randint(1, 12), Filter()) for _ in range(3)]
            with closing(reopen(settings)) as fresh:
                assert_same(reader.search(lookups, with_vectors=True), fresh.search(lookups, with_vectors=True))


def assert_same(found: list[list[Scored]], wanted: list[list[Scored]]) -> None:
    def plain(pages: list[list[Scored]]) -> list[list[tuple[str, float, Payload, list[float]]]]:
        return [[(p.id, p.score, p.payload, list(some(p.vector))) for p in page] for page in pages]

    assert plain(found) == plain(wanted)


def some(vector: Floats | None) -> Floats:
    assert vector is not None
    return vector
