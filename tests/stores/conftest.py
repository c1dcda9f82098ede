"""The places where a collection can live; every contract test runs in each."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from omnisearch.config import Settings
from omnisearch.stores import server, server_calls
from omnisearch.stores.base import VectorStore
from omnisearch.stores.catalog import open_catalog, open_store
from omnisearch.stores.collection_name import CollectionName
from tests.stores.fake_server import FakeServer, running
from tests.stores.fault_proxy import PAUSES, Fault, damaging, in_turn
from tests.stores.samples import DIM, FINGERPRINT, MODEL

PLACES = ("edge", "memory", "fake", pytest.param("faulty", marks=pytest.mark.slow), "server")


@pytest.fixture(scope="module", params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings that lead to an engine of one kind, shared by the tests of a module."""
    data_dir = tmp_path_factory.mktemp("data")
    if request.param == "edge":
        yield Settings(data_dir=data_dir)
    elif request.param == "memory":
        yield from _memory(data_dir)
    elif request.param == "fake":
        with running(FakeServer()) as fake:
            yield Settings(data_dir=data_dir, store=fake.url)
    elif request.param == "faulty":
        yield from _faulty(data_dir)
    else:
        yield from _server(data_dir)


def _memory(data_dir: Path) -> Iterator[Settings]:
    client = QdrantClient(":memory:")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "close", lambda: None)
        patch.setattr(server_calls, "connect", lambda url, api_key: client)
        patch.setattr(server, "STREAMS", 1)  # the client's memory is not safe in several threads
        yield Settings(data_dir=data_dir, store="memory")


def _faulty(data_dir: Path) -> Iterator[Settings]:
    """A fake server, most of whose requests meet a fault once or twice (see `fault_proxy`)."""
    with pytest.MonkeyPatch.context() as patch, running(FakeServer()) as fake:
        for name in ("PAUSES", "WRITE_PAUSES"):
            patch.setattr(server_calls, name, PAUSES)
        with damaging(fake.url, in_turn([*Fault, None])) as proxy:
            yield Settings(data_dir=data_dir, store=proxy.url)


def _server(data_dir: Path) -> Iterator[Settings]:
    url = os.environ.get("QDRANT_URL")
    if not url:
        pytest.skip("QDRANT_URL is not set: nothing was tested against a real Qdrant server")
    settings = Settings(data_dir=data_dir, store=url, store_api_key=os.environ.get("QDRANT_API_KEY"))
    with closing(open_catalog(settings)) as catalog:
        if catalog.names():
            pytest.fail(f"the server at {url} holds an index already: these tests would remove it")
    yield settings
    empty(settings)


def empty(settings: Settings) -> None:
    """Remove every collection, and with it the alias."""
    with closing(open_catalog(settings)) as catalog:
        for name in catalog.names():
            catalog.drop(name)


@pytest.fixture
def store(place: Settings) -> Iterator[VectorStore]:
    """An empty collection that the alias names."""
    empty(place)
    name = CollectionName(MODEL, DIM, FINGERPRINT)
    with closing(open_catalog(place)) as catalog:
        catalog.create(name)
        catalog.point(name)
    with closing(reopen(place)) as opened:
        yield opened


def reopen(settings: Settings) -> VectorStore:
    return open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=False)
