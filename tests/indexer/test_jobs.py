"""The jobs that write the index."""

import threading
from pathlib import Path

import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.errors import CollectionNotFoundError, StoppedError
from omnisearch.jobs.job import Job
from omnisearch.jobs.roots import uploaded_dir
from omnisearch.jobs.store import JobStore
from omnisearch.jobs.worker import LastReport
from omnisearch.media.file import item_id
from omnisearch_indexer.jobs import run_forget, run_index
from omnisearch_indexer.status import read_status


@pytest.fixture
def settings(tmp_path: Path, hashed_model: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "all" / "data", model=str(hashed_model), index_roots=(tmp_path / "all",))


def job(settings: Settings, kind: str, **params: object) -> Job:
    store = JobStore.open(settings)
    try:
        return store.add(kind, params, settings.collection)
    finally:
        store.close()


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def index(settings: Settings, *paths: Path, stop: threading.Event | None = None) -> LastReport:
    reporter = LastReport()
    run_index(job(settings, "index", paths=list(map(str, paths))), settings, reporter, stop or threading.Event())
    return reporter


def test_forget_removes_items_and_ignores_unknown_ids(settings: Settings, tmp_path: Path) -> None:
    one, two = (write(tmp_path / "all" / name, f"the dog {name}") for name in ("a.txt", "b.txt"))
    index(settings, tmp_path / "all")
    ids = [item_id(one), "0" * 32]
    for gone in (1, 0):  # a job that is run again after its worker was killed finds nothing left
        result = run_forget(job(settings, "forget", item_ids=ids), settings, LastReport(), threading.Event())
        assert result["items"] == gone
    assert read_status(settings)["items"] == {"text": 1}
    assert one.exists()
    assert two.exists()


def test_a_stopped_index_job_says_so_and_its_progress_is_that_of_the_files(settings: Settings, tmp_path: Path) -> None:
    write(tmp_path / "all" / "a.txt", "a dog")
    stop = threading.Event()
    stop.set()
    with pytest.raises(StoppedError):
        index(settings, tmp_path / "all", stop=stop)
    progress = index(settings, tmp_path / "all").progress
    assert (progress.done, progress.total, progress.unit, progress.message) == (5, 5, "bytes", "1 of 1 files")


def test_a_collection_that_was_removed_is_not_made_again(settings: Settings, tmp_path: Path) -> None:
    write(tmp_path / "all" / "a.txt", "a dog")
    gone = settings.model_copy(update={"collection": "gone"})
    with pytest.raises(CollectionNotFoundError):
        index(gone, tmp_path / "all")
    assert not gone.index_dir.exists()


def test_indexed_uploads_stay_when_a_folder_above_the_data_directory_is_indexed(
    settings: Settings, tmp_path: Path
) -> None:
    upload = write(uploaded_dir(settings) / "x" / "a.txt", "a dog")
    write(tmp_path / "all" / "b.txt", "a cat")
    index(settings, upload)
    index(settings, tmp_path / "all")
    assert read_status(settings)["items"] == {"text": 2}
