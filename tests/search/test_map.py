"""Maps: the same plane for the same items, kept beside the index, and stale once the index has changed."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.errors import NoIndexError, StoppedError
from omnisearch.jobs.kinds import load_runner
from omnisearch.jobs.store import JobStore
from omnisearch.jobs.worker import LastReport
from omnisearch.search import map as module
from omnisearch.search.map import Map, MapPoint, is_outdated, is_stale, make_map, read_map, write_map
from omnisearch.search.map_job import queue_map
from omnisearch.search.pca import project_to_plane
from omnisearch.stores.base import VectorStore
from omnisearch.stores.catalog import open_store
from omnisearch.types import Modality
from tests.stores.samples import DIM, FINGERPRINT, MODEL, points

TEXT, IMAGE = Modality.TEXT, Modality.IMAGE


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def store(settings: Settings) -> Iterator[VectorStore]:
    """Thirty items of three segments each."""
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
        opened.upsert(points(90))
        yield opened


def made(store: VectorStore) -> Map:
    return make_map(store, lambda: False, lambda done, total: None)


def test_the_plane_shows_the_two_directions_with_most_variance_within_the_modalities() -> None:
    random = np.random.default_rng(3)
    wide, narrow = random.normal(size=200), random.normal(size=200) / 3
    rows = np.zeros((200, 6), np.float32)
    rows[:, 4], rows[:, 1] = wide, narrow
    rows[:, 0] = np.where(np.arange(200) < 80, 50, -50)  # the gap between the modalities
    flat = project_to_plane(rows, [TEXT] * 80 + [IMAGE] * 120)
    for members in (slice(0, 80), slice(80, None)):
        assert abs(np.corrcoef(flat[members, 0], wide[members])[0, 1]) > 0.99  # the two are not quite unrelated
        assert abs(np.corrcoef(flat[members, 1], narrow[members])[0, 1]) > 0.99  # the two are not quite unrelated
    assert np.abs(flat).max() == pytest.approx(1)
    assert np.array_equal(flat, project_to_plane(rows, [TEXT] * 80 + [IMAGE] * 120))


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_or_equal_rows_have_a_place(count: int) -> None:
    same = np.tile(np.float32([0.6, 0.8]), (count, 1)).reshape(count, 2)
    assert np.array_equal(project_to_plane(same, [TEXT] * count), np.zeros((count, 2)))
    assert project_to_plane(np.ones((count, 1), np.float32), [TEXT] * count).shape == (count, 2)


def test_a_map_has_every_item_once_and_is_kept(store: VectorStore, settings: Settings) -> None:
    whole = made(store)
    assert sorted(point.id for point in whole.points) == sorted(f"item-{n}" for n in range(30))
    assert (whole.items, whole.collection) == (30, store.collection)
    assert all(abs(point.x) <= 1 and abs(point.y) <= 1 for point in whole.points)
    assert read_map(settings.index_dir) is None
    write_map(whole, settings.index_dir)
    kept = read_map(settings.index_dir)
    assert kept == whole
    assert kept is not None
    assert kept.digest == whole.digest != replace(whole, made=0.0).digest


def test_a_large_collection_is_sampled(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    every = {point.id for point in made(store).points}
    monkeypatch.setattr(module, "SAMPLE", 12)
    few = made(store)
    assert (few.items, len(few.points)) == (30, 12)
    assert {point.id for point in few.points} < every
    assert not is_stale(few, store)


def test_a_map_is_stale_once_items_come_go_or_are_replaced(store: VectorStore, settings: Settings) -> None:
    whole = made(store)
    assert not is_stale(whole, store)
    store.upsert(points(93)[90:])
    assert is_stale(whole, store)
    store.delete(["item-3"])  # as many as before, but others
    assert store.count() == 90
    assert is_stale(whole, store)
    assert not is_stale(made(store), store)
    assert is_stale(replace(made(store), collection="another"), store)


def test_a_map_is_outdated_once_enough_items_are_others(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_outdated(None, store)
    whole = made(store)  # of 30 items
    monkeypatch.setattr(module, "CHANGED", 0.05)
    store.upsert(points(93)[90:])
    assert is_stale(whole, store)
    assert not is_outdated(whole, store)
    store.upsert(points(96)[93:])
    assert is_outdated(whole, store)
    store.delete(["item-3", "item-4"])  # as many as before, but others
    assert store.count() == 90
    assert is_outdated(whole, store)


def test_a_map_is_queued_once_while_it_is_missing(store: VectorStore, settings: Settings) -> None:
    assert queue_map(settings.model_copy(update={"data_dir": settings.data_dir / "none"})) is False
    assert queue_map(settings)
    assert not queue_map(settings)
    with closing(JobStore.open(settings)) as jobs:
        (job,) = jobs.page()
        assert (job.kind, job.params, job.collection) == ("map", {}, "default")
        jobs.cancel(job.id)
    write_map(made(store), settings.index_dir)
    assert not queue_map(settings)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"points": 5}',
        '{"collection": "a", "items": 1, "made": 1, "points": [["a", "smell", 0, 0]]}',
        '{"collection": "a", "items": 1, "made": 1, "points": [["a", "text", 2, 0]]}',
        '{"collection": "a", "items": 1, "made": 1, "points": [["a", "text", NaN, 0]]}',
        '{"collection": "a", "items": 1, "made": 1, "points": [["a", "text", "0", 0]]}',
        '{"collection": "a", "items": 1, "made": 1e999, "points": [["a", "text", 0]]}',
        "[" * 100_000,
        "\x80",
    ],
)
def test_a_damaged_map_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / module.MAP_FILE).write_text(text, encoding="latin-1")
    assert read_map(tmp_path) is None


def test_the_job_makes_the_map_of_its_collection(store: VectorStore, settings: Settings) -> None:
    with closing(JobStore.open(settings)) as jobs:
        job = jobs.add("map", {})
        reporter = LastReport()
        assert load_runner("map")(job, settings, reporter, threading.Event()) == {"items": 30, "points": 30}
        assert (reporter.progress.done, reporter.progress.total, reporter.progress.unit) == (30, 30, "items")
        kept = read_map(settings.index_dir)
        assert kept is not None
        assert kept.points == made(store).points

        stopped = threading.Event()
        stopped.set()
        with pytest.raises(StoppedError):
            load_runner("map")(job, settings, reporter, stopped)
        assert read_map(settings.index_dir) == kept
        with pytest.raises(NoIndexError):
            load_runner("map")(job, settings.model_copy(update={"collection": "other"}), reporter, threading.Event())


def test_the_file_is_small(tmp_path: Path) -> None:
    """The largest map fits well below what is read."""
    rows = [MapPoint("f" * 32, Modality.POINT_CLOUD, -0.1234, -0.1234)] * module.SAMPLE
    text = module._written(Map("c" * 64, 10**9, 1e9, tuple(rows)))
    assert json.loads(text)["items"] == 10**9
    assert len(text) < module.MAX_BYTES / 4
