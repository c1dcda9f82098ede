"""A store behind a network and a server that fail: what was acknowledged is there, and answers are right.

The server is a fake (see `fake_server`) behind a proxy that damages its traffic. tests/stores/test_contract.py also
runs over it, as a slow test.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.errors import StoreError
from omnisearch.stores import server, server_calls
from omnisearch.stores.base import Facts, Filter, Lookup, Order, Point, VectorStore
from omnisearch.stores.catalog import open_store, swap
from omnisearch.stores.point_copy import is_same
from tests.stores.fake_server import FakeServer, running
from tests.stores.fault_proxy import PAUSES, Fault, FaultProxy, damaging, in_turn, no_fault
from tests.stores.samples import DIM, FINGERPRINT, MODEL, nearest, points, vector

MODEL_OF = {"model": MODEL, "dim": DIM, "fingerprint": FINGERPRINT}

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with running(FakeServer()) as started:
        yield started


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PAUSES", "WRITE_PAUSES"):
        monkeypatch.setattr(server_calls, name, PAUSES)
    monkeypatch.setattr(server, "BATCH", 3)
    monkeypatch.setattr(server, "PAGE", 4)


def opened(settings: Settings) -> VectorStore:
    return open_store(settings, **MODEL_OF, create=True)


@pytest.fixture
def proxy(fake: FakeServer) -> Iterator[FaultProxy]:
    """A proxy in front of the fake, which does no harm yet."""
    with damaging(fake.url, no_fault) as started:
        yield started


@pytest.fixture
def store(proxy: FaultProxy, tmp_path: Path) -> Iterator[VectorStore]:
    """An empty collection behind the proxy."""
    with closing(opened(Settings(data_dir=tmp_path, store=proxy.url))) as made:
        yield made


def check_everything(settings: Settings) -> None:
    """Make a collection, write, change, delete and replace it, and compare each answer with that of the points."""
    written = [replace(p, text_vector=vector(500 + n)) if n % 3 == 0 else p for n, p in enumerate(points(12))]
    with closing(opened(settings)) as store:
        store.begin_load()
        store.upsert(written)
        store.describe({"item-0": Facts("/moved")})
        store.delete(["item-1"])
        store.end_load()
        left = {point.id: point for point in written if point.payload.item_id != "item-1"}
        read = list(store.scroll(with_vectors=True))
        assert [point.id for point in read] == sorted(left)
        assert {point.payload.path for point in read if point.payload.item_id == "item-0"} == {"/moved"}
        assert all(is_same(p, unit(left[p.id])) for p in read if p.payload.item_id != "item-0")
        assert store.count(Filter(item_ids=("item-0", "item-2"))) == 6
        [hits] = store.search([Lookup(vector(77), 5)])
        assert [hit.id for hit in hits] == [id_ for id_, _ in nearest(list(left.values()), vector(77), Filter(), 5)]
        assert [point.id for point in store.page(Filter(), Order(), None, 4).points] == sorted(left)[:4]
    with swap(settings, **MODEL_OF) as fresh:
        fresh.upsert(written[:3])
    with closing(open_store(settings, **MODEL_OF, create=False)) as store:
        assert store.collection == fresh.collection
        assert store.count() == 3


def unit(point: Point) -> Point:
    text = point.text_vector
    return replace(
        point,
        vector=point.vector / np.linalg.norm(point.vector),
        text_vector=None if text is None else text / np.linalg.norm(text),
    )


def test_every_fault_in_turn_changes_no_answer(fake: FakeServer, tmp_path: Path) -> None:
    with damaging(fake.url, in_turn([*Fault, None])) as proxy:
        check_everything(Settings(data_dir=tmp_path, store=proxy.url))
        assert set(proxy.met) == set(Fault)


@pytest.mark.slow
@pytest.mark.parametrize("fault", Fault)
def test_a_fault_of_every_request_changes_no_answer(fake: FakeServer, tmp_path: Path, fault: Fault) -> None:
    with damaging(fake.url, in_turn([fault], most=1)) as proxy:
        check_everything(Settings(data_dir=tmp_path, store=proxy.url))
        assert proxy.met[fault] > 20


@pytest.mark.parametrize(
    "fault",
    [
        Fault.RESET_AFTER,
        pytest.param(Fault.HTTP_504, marks=pytest.mark.slow),
        pytest.param(Fault.CUT_ANSWER, marks=pytest.mark.slow),
    ],
)
def test_a_collection_whose_creation_was_not_acknowledged_is_made_once(
    fake: FakeServer, proxy: FaultProxy, tmp_path: Path, fault: Fault
) -> None:
    proxy.choose = in_turn([fault], most=1)
    with closing(opened(Settings(data_dir=tmp_path, store=proxy.url))) as made:
        assert made.count() == 0
    assert len(fake.local.get_collections().collections) == 1


def test_a_server_that_stays_overloaded_is_a_store_error(
    proxy: FaultProxy, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_calls, "PAUSES", (0.002,))
    for fault in (Fault.HTTP_429, Fault.HTTP_429_LATER):
        proxy.choose = in_turn([fault], most=2)
        with pytest.raises(StoreError, match="HTTP 429"):
            store.count()
        assert proxy.met[fault] == 2


def test_a_write_waits_for_a_server_that_restarts(
    proxy: FaultProxy, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search does not, because somebody waits for it."""
    down = (0.002, 0.002)
    monkeypatch.setattr(server_calls, "PAUSES", down)
    calls: list[Callable[[], object]] = [
        lambda: store.upsert(points(3)),
        lambda: store.describe({"item-0": Facts("/moved")}),
        lambda: store.delete(["item-0"]),
    ]
    for call in calls:
        faults = iter([Fault.RESET_BEFORE] * (len(down) + 1))
        proxy.choose = lambda line, request: next(faults, None)  # noqa: B023
        call()
        assert next(faults, None) is None
    proxy.choose = lambda line, request: Fault.RESET_BEFORE
    with pytest.raises(StoreError, match="cannot be reached"):
        store.count()


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 9))])
def test_every_acknowledged_write_is_there(
    fake: FakeServer,
    proxy: FaultProxy,
    store: VectorStore,
    tmp_path: Path,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Writes that were not acknowledged may be there in part; those that were, wholly."""
    monkeypatch.setattr(server_calls, "WRITE_PAUSES", (0.002, 0.002))  # so that some fail
    monkeypatch.setattr(server, "BATCH", 2)
    random, chance = np.random.default_rng(seed), Random(seed)  # the streams of a write are threads
    faults = [*Fault, *[None] * 14]
    may_be: dict[str, set[str | None]] = {point.id: {None} for point in points(18)}

    def choose(line: str, request: int) -> Fault | None:
        return None if line.startswith("GET") else chance.choice(faults)

    acknowledged = failed = 0
    proxy.choose = choose
    for n in range(60):
        item, path = f"item-{random.integers(6)}", f"/{n}"
        own = [point for point in points(18) if point.payload.item_id == item]
        change: dict[str, set[str | None]]
        if (kind := random.integers(5)) < 3:
            now = [replace(point, payload=replace(point.payload, path=path)) for point in own]
            call: Callable[[], None] = lambda: store.upsert(now)  # noqa: B023, E731
            change = {point.id: {path} for point in own}
        elif kind == 3:
            call = lambda: store.describe({item: Facts(path)})  # noqa: B023, E731
            change = {p.id: {None if one is None else path for one in may_be[p.id]} for p in own}
        else:
            call = lambda: store.delete([item])  # noqa: B023, E731
            change = {point.id: {None} for point in own}
        try:
            call()
        except StoreError:
            failed += 1
            change = {id_: may_be[id_] | values for id_, values in change.items()}
        else:
            acknowledged += 1
        may_be |= change
    with closing(opened(Settings(data_dir=tmp_path, store=fake.url))) as direct:
        there = {point.id: point.payload.path for point in direct.scroll()}
    assert acknowledged > 9
    assert failed > 2
    wrong = {id_: (there.get(id_), values) for id_, values in may_be.items() if there.get(id_) not in values}
    assert wrong == {}
    assert any(len(values) == 1 for values in may_be.values())


@pytest.mark.slow
def test_the_proxy_itself_loses_nothing(proxy: FaultProxy, tmp_path: Path) -> None:
    check_everything(Settings(data_dir=tmp_path, store=proxy.url))
    assert not proxy.met
