"""The table: one owner a job, whatever the clock says; what was acknowledged stays."""

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from omnisearch.errors import BusyError, ConflictError, DamageError, DiskFullError, NotFoundError, StoreError
from omnisearch.jobs import store as tables
from omnisearch.jobs.job import Failure, Job, Progress, State
from omnisearch.jobs.store import JOBS_FILE, MAX_ATTEMPTS, Beat, JobStore


def claim(store: JobStore, owner: str = "me") -> Job:
    job = store.claim(owner)
    assert job is not None
    return job


def test_a_job_goes_from_queued_to_done(store: JobStore) -> None:
    queued = store.add("index", {"paths": ["/a"]}, "music")
    assert (queued.state, queued.attempts, queued.params) == (State.QUEUED, 0, {"paths": ["/a"]})
    running = claim(store)
    assert (running.id, running.state, running.attempts) == (queued.id, State.RUNNING, 1)
    beaten = store.beat(running, "me", Progress(3, 9, "bytes"))
    assert beaten is not None
    assert beaten.progress == Progress(3, 9, "bytes")
    assert store.end(running, "me", State.DONE, Progress(9, 9, "bytes"), {"seen": 4})
    done = store.get(queued.id)
    assert (done.state, done.result, done.progress.done, done.collection) == (State.DONE, {"seen": 4}, 9, "music")
    assert done.ended is not None
    assert store.claim("me") is None


def test_jobs_are_claimed_in_order_and_survive_closing(tmp_path: Path) -> None:
    with closing(JobStore(tmp_path / JOBS_FILE)) as store:
        ids = [store.add("index", {"n": n}).id for n in range(3)]
    with closing(JobStore(tmp_path / JOBS_FILE)) as store:
        assert [claim(store).id for _ in ids] == ids


def test_the_version_grows_with_every_change_and_only_then(store: JobStore) -> None:
    store.add("index", {})
    running = claim(store)
    versions = []
    for progress in (Progress(), Progress(1, 2), Progress(1, 2), Progress(2, 2)):
        beaten = store.beat(running, "me", progress)
        assert beaten is not None
        versions.append(beaten.version)
    assert versions == [2, 3, 3, 4]


def test_many_threads_never_claim_one_job_twice(tmp_path: Path) -> None:
    claimed: list[str] = []

    def work(owner: str) -> None:
        with closing(JobStore(tmp_path / JOBS_FILE)) as store:
            while (job := store.claim(owner)) is not None:
                claimed.append(job.id)

    with closing(JobStore(tmp_path / JOBS_FILE)) as store:
        ids = [store.add("index", {}).id for _ in range(40)]
    threads = [threading.Thread(target=work, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(ids)


def test_only_a_beat_that_has_stopped_is_taken_over(store: JobStore) -> None:
    store.add("index", {})
    first = claim(store, "first")
    (seen,) = store.beats()
    store.beat(first, "first", Progress())
    assert store.claim("second", [seen]) is None  # it beat since
    taken = store.claim("second", store.beats())
    assert taken is not None
    assert taken.attempts == 2
    assert store.beat(first, "first", Progress(5)) is None
    assert not store.end(first, "first", State.DONE, Progress())
    assert store.end(taken, "second", State.DONE, Progress())


@pytest.mark.parametrize("jump", [-1e7, 1e7])
def test_a_clock_that_jumps_frees_no_job_and_keeps_none(
    store: JobStore, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    store.add("index", {})
    first = claim(store, "first")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + jump)
    assert store.claim("second") is None
    assert store.end(first, "first", State.DONE, Progress())
    done = store.get(first.id)
    assert done.started is not None
    assert done.ended is not None
    assert done.ended >= done.started


def test_a_job_whose_workers_die_is_given_up_with_a_reason(store: JobStore) -> None:
    store.add("index", {})
    for attempt in range(1, MAX_ATTEMPTS + 1):
        job = store.claim("w", store.beats())
        assert job is not None
        assert job.attempts == attempt
    assert store.claim("w", store.beats()) is None
    dead = store.get(job.id)
    assert dead.state is State.FAILED
    assert dead.error is not None
    assert dead.error.code == "abandoned"


def test_a_cancelled_job_whose_worker_dies_is_not_run_again(store: JobStore) -> None:
    store.add("index", {})
    job = claim(store)
    assert store.cancel(job.id).cancelling
    assert store.claim("other", store.beats()) is None
    assert store.get(job.id).state is State.CANCELLED


def test_a_job_that_is_given_back_has_lost_no_attempt(store: JobStore) -> None:
    store.add("index", {})
    for _ in range(MAX_ATTEMPTS + 2):
        job = claim(store)
        assert store.end(job, "me", State.QUEUED, Progress())
    assert store.get(job.id).attempts == 0
    assert store.claim("me", skipped=[job.id]) is None


def test_a_job_that_is_given_back_after_it_was_cancelled_is_cancelled(store: JobStore) -> None:
    job = store.add("index", {})
    assert store.claim("a") is not None
    store.cancel(job.id)
    assert store.end(job, "a", State.QUEUED, Progress(message="waits: the index is in use"))
    ended = store.get(job.id)
    assert (ended.state, ended.attempts) == (State.CANCELLED, 0)
    assert ended.ended is not None
    assert store.claim("b") is None


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_is_asked(store: JobStore) -> None:
    waiting = store.add("index", {})
    assert store.cancel(waiting.id).state is State.CANCELLED
    assert store.cancel(waiting.id).state is State.CANCELLED
    running = store.add("index", {})
    claim(store)
    assert store.cancel(running.id).state is State.RUNNING
    beaten = store.beat(running, "me", Progress())
    assert beaten is not None
    assert beaten.cancelling
    store.end(running, "me", State.DONE, Progress())
    with pytest.raises(ConflictError, match="is done"):
        store.cancel(running.id)


def test_retry_queues_a_job_again_that_has_ended(store: JobStore) -> None:
    store.add("index", {"paths": ["/a"], "retry_failed": False})
    job = claim(store)
    with pytest.raises(ConflictError, match="is running"):
        store.retry(job.id)
    store.end(job, "me", State.FAILED, Progress(1, 2), error=Failure("store", "the disk is full"))
    again = store.retry(job.id)
    assert (again.state, again.error, again.attempts, again.progress) == (State.QUEUED, None, 0, Progress())
    assert again.params == {"paths": ["/a"], "retry_failed": True}
    other = store.add("forget", {"item_ids": []})
    store.cancel(other.id)
    assert store.retry(other.id).params == {"item_ids": []}


def test_unknown_jobs_are_not_found(store: JobStore) -> None:
    for ask in (store.get, store.cancel, store.retry):
        with pytest.raises(NotFoundError, match="no job 'x'"):
            ask("x")


def test_the_list_is_filtered_and_continued(store: JobStore) -> None:
    ids = [store.add(kind, {}, "c").id for kind in ("index", "forget", "index", "index")]
    store.cancel(ids[3])
    assert [job.id for job in store.page(kind="index", limit=2)] == [ids[3], ids[2]]
    assert [job.id for job in store.page(kind="index", before=ids[2])] == [ids[0]]
    assert [job.id for job in store.page(states=[State.CANCELLED])] == [ids[3]]
    assert store.page(collection="d") == []
    assert store.counts() == {**dict.fromkeys(State, 0), State.QUEUED: 3, State.CANCELLED: 1}


def test_the_queue_is_bounded_and_old_jobs_are_deleted(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_QUEUED", 2)
    monkeypatch.setattr(tables, "KEPT_JOBS", 3)
    waiting = [store.add("index", {}).id for _ in range(2)]
    with pytest.raises(BusyError, match="2 jobs are queued"):
        store.add("index", {})
    ended = [store.claim("me") for _ in waiting]
    for job in ended:
        assert job is not None
        store.end(job, "me", State.DONE, Progress())
    for _ in range(2):
        store.cancel(store.add("index", {}).id)
    assert len(store.page()) == 3


def test_a_full_disk_is_named_and_nothing_is_half_written(store: JobStore) -> None:
    job = store.add("index", {})
    with store._database.use() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFullError, match="is full"):
        store.add("index", {"paths": ["x" * 100_000]})
    assert [each.id for each in store.page()] == [job.id]
    assert claim(store).id == job.id


def test_damage_and_other_versions_are_named(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"no database" * 1000)
    with pytest.raises(DamageError, match="is damaged"):
        JobStore(damaged)
    newer = tmp_path / "newer.sqlite"
    with closing(sqlite3.connect(newer)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="schema 99"):
        JobStore(newer)


def test_beats_name_the_running_jobs(store: JobStore) -> None:
    store.add("index", {})
    assert store.beats() == []
    job = claim(store)
    assert store.beats() == [Beat(job.id, 1)]
