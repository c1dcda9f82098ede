"""Points that are kept by a client: they never differ from what the store holds."""

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread, current_thread
from typing import Any

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.stores.base import Facts, Filter, Lookup, Payload, Point, Scored, VectorStore
from omnisearch.stores.catalog import open_store
from omnisearch.stores.edge import EdgeStore
from omnisearch.stores.edge_points import PointCache
from omnisearch.stores.place import Place
from omnisearch.types import Floats, Modality
from omnisearch.wire import Message
from tests.stores.conftest import reopen
from tests.stores.samples import DIM, FINGERPRINT, MODEL, points, vector


class Shelf:
    """Points of one version, and what was read from it."""

    def __init__(self, *ids: bytes) -> None:
        self.version = "1"
        self.points = {
            id_: Point(str(id_), np.ones(2, np.float32), Payload(item_id="i", modality=Modality.IMAGE, path=""))
            for id_ in ids
        }
        self.read: list[list[bytes]] = []

    def fetch(self, ids: Sequence[bytes]) -> tuple[str, dict[bytes, Point]]:
        self.read.append(list(ids))
        return self.version, {id_: self.points[id_] for id_ in ids if id_ in self.points}


def test_a_point_is_read_once_while_the_version_stays() -> None:
    shelf = Shelf(b"a", b"b", b"c")
    cache = PointCache(shelf.fetch, most=9)
    assert set(cache.get("1", [b"a", b"b", b"a"])) == {b"a", b"b"}
    assert cache.get("1", [b"c", b"b"])[b"b"] is shelf.points[b"b"]
    assert shelf.read == [[b"a", b"b"], [b"c"]]
    shelf.version = "2"
    cache.get("2", [b"a"])
    assert shelf.read[-1] == [b"a"]


def test_what_is_read_at_a_later_version_is_not_kept() -> None:
    shelf = Shelf(b"a")
    cache = PointCache(shelf.fetch, most=9)
    shelf.version = "2"
    assert set(cache.get("1", [b"a"])) == {b"a"}
    cache.get("1", [b"a"])
    assert shelf.read == [[b"a"], [b"a"]]


def test_a_deleted_point_is_left_out() -> None:
    assert set(PointCache(Shelf(b"a").fetch, most=9).get("1", [b"a", b"gone"])) == {b"a"}


def test_the_least_recently_used_points_go_first_and_an_answer_may_exceed_the_bound() -> None:
    four = [b"a", b"b", b"c", b"d"]
    shelf = Shelf(*four)
    cache = PointCache(shelf.fetch, most=2)
    assert set(cache.get("1", four)) == set(four)
    cache.get("1", [b"c"])
    cache.get("1", [b"a"])
    cache.get("1", [b"c"])
    assert shelf.read == [four, [b"a"]]


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
                found, wanted = (each.search(lookups, with_vectors=True) for each in (reader, fresh))
                assert_same(found, wanted)
                ids = [point.id for page in wanted for point in page]
                assert reader.payloads(ids) == fresh.payloads(ids)


def test_a_slow_search_of_another_thread_changes_no_payloads(
    settings: Settings, store: EdgeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was answered before a write, and its thread goes on after a search that was answered after the write."""
    (one,) = points(1)
    store.upsert([one])
    lookups, answered, written = [Lookup(vector(1), 1)], Event(), Event()
    store.search(lookups)
    store.payloads([one.id])  # keeps it
    ask = store._ask

    def slowly(do: str, *arrays: Any, **body: Any) -> Message:
        answer = ask(do, *arrays, **body)
        if current_thread() is slow:
            answered.set()
            written.wait()
        return answer

    monkeypatch.setattr(store, "_ask", slowly)
    slow = Thread(target=store.search, args=(lookups,))
    slow.start()
    answered.wait()
    with closing(reopen(settings)) as other:
        other.describe({one.payload.item_id: Facts("/moved")})
    store.search(lookups)
    written.set()
    slow.join()
    assert store.payloads([one.id])[one.id].path == "/moved"


def assert_same(found: list[list[Scored]], wanted: list[list[Scored]]) -> None:
    def plain(pages: list[list[Scored]]) -> list[list[tuple[str, float, Place, list[float]]]]:
        return [[(p.id, p.score, p.place, list(some(p.vector))) for p in page] for page in pages]

    assert plain(found) == plain(wanted)


def some(vector: Floats | None) -> Floats:
    assert vector is not None
    return vector
