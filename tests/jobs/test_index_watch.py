"""`serve --watch`: jobs for what changes in the roots of an index."""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.errors import NotReadyError
from omnisearch.jobs import index_watch, worker
from omnisearch.jobs.index_watch import job_params
from omnisearch.jobs.job import Job
from omnisearch.jobs.library import load_library
from omnisearch.jobs.store import JobStore
from omnisearch.jobs.worker import Worker
from omnisearch_indexer import root_watch, watch
from omnisearch_indexer.changes import Changes
from omnisearch_indexer.forget import forget_paths
from omnisearch_indexer.globs import parse_globs
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.session import index_files

PATIENCE_SECONDS = 120.0


@pytest.fixture
def settings(tmp_path: Path, hashed_model: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(watch, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(watch, "Changes", functools.partial(Changes, quiet_seconds=0.1))
    monkeypatch.setattr(root_watch, "ROOTS_SECONDS", 0.05)
    monkeypatch.setattr(index_watch, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(worker, "BUSY_SECONDS", 0.05)
    return load_settings(data_dir=tmp_path / "data", model=str(hashed_model), workers=1)


@pytest.fixture
def jobs(settings: Settings) -> Iterator[JobStore]:
    """The jobs of a server that watches, with a worker."""
    stop = threading.Event()
    with closing(JobStore.open(settings)) as store, index_watch.index_watch(settings):
        thread = threading.Thread(target=Worker(settings, store, stop).run)
        thread.start()
        yield store
        stop.set()
        thread.join()


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def names(settings: Settings) -> set[str]:
    with closing(Manifest(settings.index_dir / MANIFEST_FILE)) as manifest:
        return {Path(row.path).name for _, rows in manifest.held() for row in rows}


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_changes_in_the_roots_becomes_jobs(tmp_path: Path, settings: Settings, jobs: JobStore) -> None:
    first = write(tmp_path / "one" / "a.txt", "a dog on grass")
    index_files([tmp_path / "one"], settings)  # the server runs already
    write(tmp_path / "one" / "b.txt", "a cat on snow")
    wait_for(lambda: names(settings) == {"a.txt", "b.txt"})
    wait_for(lambda: all(job.state.ended for job in jobs.page()))
    found = jobs.page()  # one, or two if the watch began before the run had ended
    assert {(job.kind, *job.params["within"]) for job in found} == {("index", str(tmp_path / "one"))}
    assert str(tmp_path / "one" / "b.txt") in {path for job in found for path in job.params["paths"]}
    assert sum(job.result["new"] for job in found if job.result) == 1
    write(tmp_path / "two" / "c.txt", "a bird at night")
    index_files([tmp_path / "two"], settings)  # another root
    forget_paths([first], settings)
    write(tmp_path / "two" / "d.txt", "a ship at sea")
    first.unlink()
    wait_for(lambda: names(settings) == {"b.txt", "c.txt", "d.txt"})


def test_the_watch_starts_again_after_any_error(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures: list[Exception] = [ValueError("a fault in this program"), OSError("the disk"), NotReadyError("no model")]

    def add(self: JobStore, *arguments: object) -> Job:
        if failures:
            raise failures.pop()
        return queue(self, *arguments)

    queue = JobStore.add
    monkeypatch.setattr(JobStore, "add", add)
    monkeypatch.setattr(index_watch, "AGAIN_SECONDS", 0.02)
    index_files([write(tmp_path / "one" / "a.txt", "a dog on grass").parent], settings)
    write(tmp_path / "one" / "b.txt", "a cat on snow")
    with index_watch.index_watch(settings), closing(JobStore.open(settings)) as jobs:
        wait_for(lambda: bool(jobs.page()))
    assert failures == []
    assert "ValueError: a fault in this program" in caplog.text
    assert "no model" in caplog.text


def test_what_changed_before_the_start_is_found(tmp_path: Path, settings: Settings) -> None:
    write(tmp_path / "one" / "a.txt", "a dog on grass")
    index_files([tmp_path / "one"], settings)
    write(tmp_path / "one" / "b.txt", "a cat on snow")
    stop, ran = threading.Event(), list[tuple[list[str], list[str]]]()

    def run(paths: list[str], roots: list[str]) -> None:
        ran.append((list(paths), list(roots)))
        stop.set()

    load_library().watch(settings, run, pytest.fail, stop)
    assert ran == [([str(tmp_path / "one" / "b.txt")], [str(tmp_path / "one")])]


def test_a_root_whose_files_were_selected_by_options_is_not_watched(tmp_path: Path, settings: Settings) -> None:
    for name in ("one", "two", "three"):
        write(tmp_path / name / ".a.txt", f"a dog {name}")
        index_files([tmp_path / name], settings, hidden=name != "one", globs=parse_globs((), ()))
    index_files([tmp_path / "three"], settings, globs=parse_globs([], ["*.b"]))
    assert root_watch.watched_roots(settings) == (
        [str(tmp_path / "one")],
        {str(tmp_path / "two"), str(tmp_path / "three")},
    )
    index_files([tmp_path / "three"], settings)
    stop, messages = threading.Event(), list[str]()

    def tell(message: str) -> None:
        messages.append(message)
        stop.set()

    load_library().watch(settings, pytest.fail, tell, stop)
    assert messages == [f"{tmp_path / 'two'} was indexed with --hidden, --include or --exclude, and is not watched"]


def test_a_job_names_paths_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = str(tmp_path)
    (tmp_path / "there%25").touch()
    paths = [f"{root}/a", f"{root}/there%25", f"{root}/b/gone%25", f"{root}/c\udcff"]
    assert job_params(paths, [root]) == {
        "paths": [f"{root}/a", f"{root}/there%25", f"{root}/b", f"{root}/c%FF"],
        "within": [root],
    }
    whole = {"paths": [root], "within": []}
    assert job_params([root], [root]) == whole
    monkeypatch.setattr(index_watch, "MOST_PATHS", 2)
    assert job_params(paths, [root]) == whole


def test_jobs_of_a_watch_need_no_configured_root(tmp_path: Path, settings: Settings, jobs: JobStore) -> None:
    write(tmp_path / "one" / "a.txt", "a dog on grass")

    def run(**params: object) -> Job:
        job = jobs.add("index", {"paths": [str(tmp_path / "one")], **params})
        wait_for(lambda: jobs.get(job.id).state.ended)
        return jobs.get(job.id)

    failed = run()
    assert failed.error is not None
    assert failed.error.code == "outside_roots"
    assert run(within=[]).error is None
