"""What only a server can do to a client: be away, be busy, want a key. Against a fake (see `fake_server`)."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from qdrant_client import QdrantClient, models

from omnisearch.config import Settings
from omnisearch.errors import StoreError
from omnisearch.stores import server, server_calls
from omnisearch.stores.base import Facts, Filter, Lookup, VectorStore
from omnisearch.stores.bm25 import query_weights
from omnisearch.stores.catalog import describe_store, open_store
from omnisearch.stores.clauses import INDEXED
from tests.stores import fake_server
from tests.stores.fake_server import CREATED, THRESHOLDS, FakeServer, running
from tests.stores.samples import DIM, FINGERPRINT, MODEL, points, vector

UPSERT = r"PUT /collections/([^/]+)/points"
SEARCH = r"POST /collections/([^/]+)/points/query/batch"

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with running(FakeServer()) as started:
        yield started


@pytest.fixture
def store(fake: FakeServer, tmp_path: Path) -> Iterator[VectorStore]:
    settings = Settings(data_dir=tmp_path, store=fake.url)
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
        yield opened


def test_only_an_exact_lookup_avoids_the_index_of_the_server() -> None:
    asked: list[models.QueryRequest] = []

    def answer(_collection: str, requests: list[models.QueryRequest]) -> list[SimpleNamespace]:
        asked.extend(requests)
        return [SimpleNamespace(points=[]) for _ in requests]

    client = cast("QdrantClient", SimpleNamespace(query_batch_points=answer))
    lookup = Lookup(vector(1), 3)
    server.ServerStore(client, "c", DIM, FINGERPRINT).search([lookup, replace(lookup, exact=True)])
    assert [each.params and each.params.exact for each in asked] == [None, True]


def test_a_server_that_is_away_is_a_store_error_within_two_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StoreError, match=f"server at {url}/ cannot be reached"):
            describe_store(Settings(data_dir=tmp_path, store=url))
    assert len(pauses) == len(server_calls.PAUSES)
    assert sum(pauses) < 2  # to be refused takes no time itself


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_busy_server_is_asked_again(fake: FakeServer, store: VectorStore, status: int) -> None:
    fake.failures[:] = [status, status]
    store.upsert(points(3))
    fake.failures[:] = [status]
    assert store.count() == 3
    assert not fake.failures


def test_a_server_that_stays_busy_is_a_store_error(
    fake: FakeServer, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_calls, "PAUSES", (0.01, 0.01))
    fake.failures[:] = [503] * 3
    with pytest.raises(StoreError, match="HTTP 503"):
        store.search([Lookup(vector(0), 1)])
    assert not fake.failures
    assert store.search([Lookup(vector(0), 1)]) == [[]]


def test_a_request_that_is_refused_is_not_repeated(fake: FakeServer, store: VectorStore) -> None:
    fake.failures[:] = [400, 400]
    with pytest.raises(StoreError, match="HTTP 400"):
        store.count()
    assert fake.failures == [400]


def test_a_server_that_hangs_is_left(fake: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_calls, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(server_calls, "PAUSES", ())
    with fake.turn, pytest.raises(StoreError, match="cannot be reached"):
        describe_store(Settings(data_dir=tmp_path, store=fake.url))


@pytest.mark.filterwarnings("ignore:Api key is used with an insecure connection:UserWarning")
def test_the_key_is_sent_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    with running(FakeServer(api_key="right")) as fake:
        right = Settings(data_dir=tmp_path, store=fake.url, store_api_key="right")
        open_store(right, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True).close()
        for key in ("wrong", None):
            with pytest.raises(StoreError, match="store_api_key") as caught:
                describe_store(Settings(data_dir=tmp_path, store=fake.url, store_api_key=key))
            assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("url", ["nonsense://x", "http://", "http://host:notaport"])
def test_a_setting_that_is_no_url_is_named(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError):
        describe_store(Settings(data_dir=tmp_path, store=url))


def test_filtered_fields_are_indexed_and_writes_are_waited_for(fake: FakeServer, store: VectorStore) -> None:
    assert len([line for line in fake.requests if line.endswith("/index")]) == len(INDEXED)
    store.upsert(points(3))
    store.describe({"item-0": Facts("/moved")})
    store.delete(["item-0"])
    writes = [query for method, query in fake.queries if method != "GET" and "wait" in query]
    # One adds the text vector; to describe is to write facts, then words.
    assert writes == ["wait=true"] * (len(INDEXED) + 5)
    assert store.count(Filter(item_ids=("item-0",))) == 0


def test_a_load_delays_indexes_until_it_ends_even_if_another_process_ends_it(
    fake: FakeServer, store: VectorStore, tmp_path: Path
) -> None:
    [name] = CREATED[fake.local]
    THRESHOLDS[fake.local] = {name: 123}
    store.begin_load()
    assert THRESHOLDS[fake.local] == {name: 0}
    store.begin_load()  # another run, after a crash
    settings = Settings(data_dir=tmp_path, store=fake.url)
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as other:
        other.end_load()
    assert THRESHOLDS[fake.local] == {name: 123}
    THRESHOLDS[fake.local] = {name: 0}  # as its owner wants it
    store.end_load()
    assert THRESHOLDS[fake.local] == {name: 0}


def test_points_are_written_in_several_streams(
    fake: FakeServer, store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "BATCH", 2)
    meeting = threading.Barrier(server.STREAMS)
    upsert = fake_server.ROUTES[UPSERT]

    def write(local: Any, body: Any, name: str) -> Any:
        fake.turn.release()  # let the others come
        try:
            meeting.wait(30)
        finally:
            fake.turn.acquire()
        return upsert(local, body, name)

    monkeypatch.setitem(fake_server.ROUTES, UPSERT, write)
    store.upsert(points(2 * server.STREAMS))
    assert store.count() == 2 * server.STREAMS


def test_a_stream_that_fails_is_an_error(fake: FakeServer, store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BATCH", 2)
    fake.failures[:] = [400]
    with pytest.raises(StoreError, match="HTTP 400"):
        store.upsert(points(8))
    store.upsert(points(8))
    assert store.count() == 8


def test_new_collections_have_the_shards_and_replicas_of_the_settings(fake: FakeServer, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, store=fake.url, store_shards=12, store_replicas=2)
    open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True).close()
    [asked] = CREATED[fake.local].values()
    assert (asked.shard_number, asked.replication_factor) == (12, 2)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The parameters of each query that the fake answers."""
    search, seen = fake_server.ROUTES[SEARCH], list[Any]()

    def note(local: Any, body: Any, name: str) -> Any:
        seen.extend(query.get("params") for query in body["searches"])
        return search(local, body, name)

    monkeypatch.setitem(fake_server.ROUTES, SEARCH, note)
    return seen


@pytest.mark.parametrize(("kind", "oversampling"), [("int8", 2.0), ("binary", 8.0)])
def test_new_collections_are_quantized_and_searched_with_more_candidates(
    fake: FakeServer, tmp_path: Path, asked: list[Any], kind: Any, oversampling: float
) -> None:
    settings = Settings(data_dir=tmp_path, store=fake.url, store_quantization=kind)
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
        [made] = CREATED[fake.local].values()
        assert made.quantization_config is not None
        config = made.quantization_config.model_dump(mode="json", exclude_none=True)
        assert (
            config
            == {
                "int8": {"scalar": {"type": "int8", "always_ram": True}},
                "binary": {"binary": {"always_ram": True}},
            }[kind]
        )
        opened.upsert(points(9))
        found = opened.search([Lookup(vector(0), 3), Lookup(vector(0), 3, using="text"), Lookup(query_weights("x"), 3)])
        quantized = asked[0]["quantization"]
        assert (quantized["rescore"], quantized["oversampling"]) == (True, oversampling)
        assert [params and params["quantization"] for params in asked] == [quantized, quantized, None]
        plain = opened.unquantized()
        assert plain is not None
        assert [hit.id for hit in plain.search([Lookup(vector(0), 3)])[0]] == [hit.id for hit in found[0]]
        assert asked[-1]["quantization"]["ignore"] is True


def test_collections_are_not_quantized_unless_asked(fake: FakeServer, store: VectorStore, asked: list[Any]) -> None:
    [made] = CREATED[fake.local].values()
    assert (made.quantization_config, made.vectors.on_disk) == (None, None)  # type: ignore[union-attr]
    store.search([Lookup(vector(0), 3)])
    assert asked == [None]
    assert store.unquantized() is None


def test_a_collection_keeps_the_quantization_that_it_has(fake: FakeServer, tmp_path: Path, asked: list[Any]) -> None:
    """The settings are those of new collections. Its owner may also have asked the server for another kind."""
    made_as = Settings(data_dir=tmp_path, store=fake.url, store_quantization="binary")
    open_store(made_as, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True).close()
    later = made_as.model_copy(update={"store_quantization": "none"})
    product = models.ProductQuantization(
        product=models.ProductQuantizationConfig(compression=models.CompressionRatio.X4)
    )
    for config, oversampling in ((None, 8.0), (product, 2.0)):
        [made] = CREATED[fake.local].values()
        made.quantization_config = config or made.quantization_config
        with closing(open_store(later, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
            opened.search([Lookup(vector(0), 3)])
        assert asked[-1]["quantization"]["oversampling"] == oversampling


@pytest.mark.parametrize("on_disk", [True, False])
def test_vectors_of_new_collections_are_on_disk_if_asked(fake: FakeServer, tmp_path: Path, on_disk: bool) -> None:
    settings = Settings(data_dir=tmp_path, store=fake.url, store_on_disk=on_disk)
    open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True).close()
    [name] = CREATED[fake.local]
    vectors = fake.local.get_collection(name).config.params.vectors
    assert isinstance(vectors, dict)
    assert [bool(vectors[each].on_disk) for each in ("", "text")] == [on_disk, on_disk]


def test_an_alias_of_someone_else_is_left_alone(fake: FakeServer, tmp_path: Path) -> None:
    fake.local.create_collection("theirs", models.VectorParams(size=3, distance=models.Distance.DOT))
    target = models.CreateAlias(collection_name="theirs", alias_name="omnisearch")
    fake.local.update_collection_aliases([models.CreateAliasOperation(create_alias=target)])
    settings = Settings(data_dir=tmp_path, store=fake.url)
    with pytest.raises(StoreError, match="theirs"):
        open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)
