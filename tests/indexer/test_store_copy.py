"""Copies of an index from one store to another. The server is a fake (see tests/stores/fake_server.py)."""

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch.errors import (
    BusyError,
    DamageError,
    FingerprintError,
    NoIndexError,
    SettingsError,
    StoreError,
    UsageError,
)
from omnisearch.stores import edge_link, point_copy
from omnisearch.stores.base import Facts, Point
from omnisearch.stores.catalog import describe_store, open_catalog, open_current, open_store
from omnisearch.stores.lock import hold_lock
from omnisearch.stores.server import ServerStore
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.report import Outcome
from omnisearch_indexer.session import index_files
from omnisearch_indexer.store_copy import copy_store
from omnisearch_indexer.verify import verify_index
from tests.conftest import Ended
from tests.indexer.conftest import points_of
from tests.indexer.damage import copy_index, wait_for_worker
from tests.indexer.killed_runs import ended, fork
from tests.indexer.sound import Sound, is_right
from tests.stores.fake_server import FakeServer, running

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with running(FakeServer()) as started:
        yield started


@pytest.fixture
def embedded(sound: Sound, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A copy of an index in the embedded engine."""
    monkeypatch.setattr(edge_link, "LINGER_SECONDS", 0.05)
    monkeypatch.setattr(point_copy, "BATCH_POINTS", 4)
    return copy_index(sound.settings, tmp_path / "copy")


@pytest.fixture
def served(embedded: Settings, fake: FakeServer) -> Settings:
    """The settings with which the index is on the server, after a copy."""
    return embedded.model_copy(update={"store": fake.url})


def store_of(settings: Settings) -> str:
    with closing(Manifest(settings.index_dir / MANIFEST_FILE)) as manifest:
        return manifest.meta()["store"]


def test_an_index_goes_to_a_server_and_back(
    sound: Sound, embedded: Settings, served: Settings, run_here: Callable[..., Ended]
) -> None:
    assert served.store is not None
    options = ("--data-dir", embedded.data_dir, "--format", "json")
    there = run_here("store", "copy", "--to", served.store, *options)
    fields = json.loads(there.stdout)
    count = len(sound.points)
    assert fields | {"seconds": 0} == {
        "source": "embedded",
        "target": served.store,
        "collection": str(describe_store(served)),
        "points": count,
        "written": count,
        "removed": 0,
        "foreign": 0,
        "collections": [],
        "seconds": 0,
    }
    assert f'set store = "{served.store}"' in there.stderr
    assert is_right(served, sound)
    assert points_of(embedded).keys() == sound.points.keys()  # the source keeps its points
    assert verify_index(served).findings == []
    with pytest.raises(FingerprintError, match="omnisearch store copy --to embedded"):
        index_files([sound.folder], embedded)
    assert index_files([sound.folder], served).outcomes[Outcome.UNCHANGED] == len(sound.good)

    with closing(open_current(served)) as store:  # indexing there leaves the old points behind
        store.describe({next(iter(sound.points.values())).payload.item_id: Facts("/new")})
    back = run_here("store", "copy", "--to", "embedded", *options)
    fields = json.loads(back.stdout)
    assert (fields["source"], fields["target"]) == (served.store, "embedded")
    assert 0 < fields["written"] < count
    assert "remove `store` from omnisearch.toml" in back.stderr
    assert store_of(embedded) == "embedded"
    assert {point.payload.path for point in points_of(embedded).values()} >= {"/new"}
    with pytest.raises(UsageError, match="the index is in embedded already"):
        copy_store(embedded, "embedded")


@pytest.mark.parametrize("batch", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_copy_that_was_killed_continues(
    sound: Sound, embedded: Settings, served: Settings, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert served.store is not None
    upsert, writes = ServerStore.upsert, 0

    def write(self: ServerStore, points: Sequence[Point]) -> None:
        nonlocal writes
        writes += 1
        if writes > batch:
            os.kill(os.getpid(), signal.SIGKILL)
        upsert(self, points)

    with monkeypatch.context() as killed, closing(open_current(embedded)) as held:
        held.count()  # starts the engine, which a fork of the tests cannot
        killed.setattr(ServerStore, "upsert", write)
        assert ended(fork(lambda: copy_store(embedded, served.store or ""))) == -signal.SIGKILL
    assert store_of(embedded) == "embedded"
    with pytest.raises(NoIndexError):  # the alias moves at the end
        describe_store(served)
    report = copy_store(embedded, served.store)
    assert (report.points, report.written) == (len(sound.points), len(sound.points) - 4 * batch)
    assert is_right(served, sound)


def test_an_index_of_another_model_on_the_server_is_left(embedded: Settings, served: Settings) -> None:
    assert served.store is not None
    with closing(open_store(served, model="other", dim=3, fingerprint="f" * 64, create=True)) as other:
        with pytest.raises(FingerprintError, match="has an index of model 'other'"):
            copy_store(embedded, served.store)
        assert other.count() == 0
    with closing(open_catalog(served)) as catalog:
        assert [name.model for name in catalog.names()] == ["other"]
    assert store_of(embedded) == "embedded"


def test_a_run_that_indexes_is_not_disturbed(embedded: Settings, served: Settings, fake: FakeServer) -> None:
    with hold_lock(embedded.index_dir), pytest.raises(BusyError, match="is being indexed by process"):
        copy_store(embedded, fake.url)
    with closing(open_catalog(served)) as catalog:
        assert catalog.names() == []


def test_an_index_that_lost_points_stays(sound: Sound, embedded: Settings, fake: FakeServer) -> None:
    lost = next(iter(sound.points.values())).payload.item_id
    with closing(open_current(embedded)) as store:
        store.delete([lost])
    with pytest.raises(DamageError, match="omnisearch repair"):
        copy_store(embedded, fake.url)
    assert store_of(embedded) == "embedded"


def test_a_copy_that_differs_is_an_error(
    embedded: Settings, served: Settings, fake: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    upsert = ServerStore.upsert
    monkeypatch.setattr(ServerStore, "upsert", lambda self, points: upsert(self, points[1:]))
    with pytest.raises(StoreError, match="the index stays in its store"):
        copy_store(embedded, fake.url)
    assert store_of(embedded) == "embedded"
    with pytest.raises(NoIndexError):
        describe_store(served)


def test_collections_that_were_not_copied_are_named(embedded: Settings, fake: FakeServer, sound: Sound) -> None:
    wait_for_worker(embedded)
    index_files([sound.folder / "note0.txt"], embedded.model_copy(update={"collection": "notes"}))
    report = copy_store(embedded, fake.url)
    assert report.collections == ("notes",)
    assert "Not copied yet, with --collection: notes" in str(report)
    report = copy_store(embedded.model_copy(update={"collection": "notes"}), fake.url)
    assert (report.collections, report.points) == ((), 1)


def test_nothing_to_copy_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoIndexError, match="omnisearch index PATH"):
        copy_store(Settings(data_dir=tmp_path / "none"), "http://127.0.0.1:1")
    assert not (tmp_path / "none").exists()


def test_a_password_in_the_url_of_the_target_is_refused(embedded: Settings) -> None:
    with pytest.raises(SettingsError, match="give an API key as store_api_key"):
        copy_store(embedded, "http://user:secret@127.0.0.1:1")
