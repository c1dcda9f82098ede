"""The worker: outcomes, cancelling, stopping, and workers that die."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.errors import (
    BusyError,
    CollectionNotFoundError,
    DiskFullError,
    MediaError,
    QueryError,
    Reason,
    ServerError,
    StoppedError,
)
from omnisearch.jobs.job import Job, Progress, Reporter, Runner, State
from omnisearch.jobs.kinds import kinds, load_runner
from omnisearch.jobs.store import JOBS_FILE, JobStore
from omnisearch.jobs.worker import Worker

Work = Callable[[Job, Reporter, threading.Event], Mapping[str, Any]]


def worker(store: JobStore, work: Work, stop: threading.Event | None = None, **options: Any) -> Worker:
    def run(job: Job, settings: Settings, reporter: Reporter, asked: threading.Event) -> Mapping[str, Any]:
        return work(job, reporter, asked)

    def find(kind: str) -> Runner:
        return run

    options = {"beat_seconds": 0.01, **options}
    return Worker(load_settings(), store, stop or threading.Event(), find, **options)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_every_kind_has_a_runner() -> None:
    assert {"index", "forget"} <= set(kinds())
    for kind in kinds():
        assert callable(load_runner(kind))


def test_a_job_is_done_with_its_result_and_last_progress(store: JobStore) -> None:
    def work(job: Job, reporter: Reporter, asked: threading.Event) -> Mapping[str, Any]:
        reporter.report(7, 7, "files", "done")
        return {"given": job.params["given"]}

    job = store.add("index", {"given": 5})
    assert worker(store, work).run_one()
    done = store.get(job.id)
    assert (done.state, done.result, done.progress.done) == (State.DONE, {"given": 5}, 7)
    assert not worker(store, work).run_one()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (QueryError("that is wrong"), "query"),
        (MediaError(Reason.NEEDS_PASSWORD, "a.pdf"), "needs_password"),
        (DiskFullError("the disk is full"), "disk_full"),
        (CollectionNotFoundError("no photos"), "collection_not_found"),
        (ServerError("refused", 418, "teapot"), "teapot"),
        (RuntimeError("secret"), "omnisearch"),
    ],
)
def test_a_job_that_raises_has_failed_with_a_code(store: JobStore, error: Exception, code: str) -> None:
    def work(*_: object) -> Mapping[str, Any]:
        raise error

    job = store.add("index", {})
    assert worker(store, work).run_one()
    failed = store.get(job.id)
    assert failed.state is State.FAILED
    assert failed.error is not None
    assert failed.error.code == code
    assert "secret" not in failed.error.detail


def test_an_unknown_kind_fails(store: JobStore) -> None:
    job = store.add("dance", {})
    assert Worker(load_settings(), store, threading.Event()).run_one()
    failed = store.get(job.id)
    assert failed.error is not None
    assert "the kinds are" in failed.error.detail


def test_progress_is_written_while_a_job_runs_and_cancel_stops_it(store: JobStore) -> None:
    job = store.add("index", {})

    def work(_: Job, reporter: Reporter, asked: threading.Event) -> Mapping[str, Any]:
        reporter.report(1, 2, "files")
        until(lambda: store.get(job.id).progress.done == 1)
        assert not asked.is_set()
        store.cancel(job.id)
        assert asked.wait(60)
        raise StoppedError("stopped")

    assert worker(store, work).run_one()
    assert store.get(job.id).state is State.CANCELLED


def test_a_worker_that_stops_gives_its_job_back(store: JobStore) -> None:
    job, stop = store.add("index", {}), threading.Event()

    def work(_: Job, reporter: Reporter, asked: threading.Event) -> Mapping[str, Any]:
        stop.set()
        assert asked.wait(60)
        raise StoppedError("stopped")

    worker(store, work, stop).run()
    given_back = store.get(job.id)
    assert (given_back.state, given_back.attempts) == (State.QUEUED, 0)


def test_a_job_whose_index_is_in_use_waits_and_the_next_one_runs(store: JobStore) -> None:
    first, second = store.add("index", {"busy": True}), store.add("index", {"busy": False})

    def work(job: Job, *_: object) -> Mapping[str, Any]:
        if job.params["busy"]:
            raise BusyError("it is being indexed by process 7")
        return {}

    one = worker(store, work)
    assert [one.run_one(), one.run_one(), one.run_one()] == [True, True, False]
    assert store.get(second.id).state is State.DONE
    waiting = store.get(first.id)
    assert (waiting.state, waiting.attempts) == (State.QUEUED, 0)
    assert "process 7" in waiting.progress.message


def test_a_silent_worker_is_replaced_and_writes_nothing_any_more(tmp_path: Path) -> None:
    with closing(JobStore(tmp_path / JOBS_FILE)) as dead, closing(JobStore(tmp_path / JOBS_FILE)) as alive:
        job = dead.add("index", {})
        first = dead.claim("first")
        assert first is not None
        second = worker(alive, lambda *_: {"by": "second"}, lease_seconds=0.05)
        until(second.run_one)
        assert not dead.end(first, "first", State.DONE, first.progress, {"by": "first"})
        done = alive.get(job.id)
        assert (done.result, done.attempts) == ({"by": "second"}, 2)


def test_a_worker_that_lost_its_job_is_told_to_stop(store: JobStore) -> None:
    job = store.add("index", {})

    def work(_: Job, reporter: Reporter, asked: threading.Event) -> Mapping[str, Any]:
        while store.claim("thief", store.beats()) is None:  # as a frozen process finds it when it goes on
            pass
        assert asked.wait(60)
        return {"by": "me"}

    assert worker(store, work).run_one()
    stolen = store.get(job.id)
    assert (stolen.state, stolen.result) == (State.RUNNING, None)


def test_a_beating_worker_keeps_its_job_longer_than_a_lease(tmp_path: Path) -> None:
    over = threading.Event()

    def work(*_: object) -> Mapping[str, Any]:
        over.wait(60)
        return {"by": "first"}

    with closing(JobStore(tmp_path / JOBS_FILE)) as one, closing(JobStore(tmp_path / JOBS_FILE)) as other:
        job = one.add("index", {})
        thread = threading.Thread(target=worker(one, work).run_one)
        thread.start()
        until(lambda: other.get(job.id).state is State.RUNNING)
        second = worker(other, lambda *_: {"by": "second"}, lease_seconds=5)
        begun = other.beats()
        until(lambda: not second.run_one() and other.beats() != begun)
        over.set()
        thread.join()
        assert other.get(job.id).result == {"by": "first"}


def test_a_full_disk_delays_the_outcome_and_loses_none(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    job, refused = store.add("index", {}), [True, True]
    end = store.end

    def full(*given: Any) -> bool:
        if refused:
            refused.pop()
            raise DiskFullError("the disk is full")
        return end(*given)

    monkeypatch.setattr(store, "end", full)
    monkeypatch.setattr("omnisearch.jobs.worker.ENDING_SECONDS", 0.01)
    assert worker(store, lambda *_: {}).run_one()
    assert store.get(job.id).state is State.DONE


def test_the_command_lists_shows_cancels_and_retries(
    store: JobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from omnisearch.cli.commands import build

    job = store.add("index", {"paths": ["/a"]})

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(build(), ["jobs", *arguments, "--data-dir", str(tmp_path)])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert job.id in run("ls")
    assert job.id in run("ls", "--format", "table")
    assert '"state": "queued"' in run("show", job.id)
    assert '"state": "cancelled"' in run("cancel", job.id)
    assert '"state": "queued"' in run("retry", job.id)

    running = store.claim("me")
    assert running is not None
    store.beat(running, "me", Progress(3, 2048, "bytes", "1 of 2 files"))
    monkeypatch.setenv("COLUMNS", "200")
    assert "3 of 2,048 bytes, 1 of 2 files" in run("ls", "--format", "table")
