"""Real workers and servers that are killed: jobs go on, and nothing that was acknowledged is lost."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path

import httpx2
import pytest

from omnisearch.api.upload_store import UPLOADS_DIRECTORY, UPLOADS_FILE
from omnisearch.config import Settings, load_settings
from omnisearch.errors import NoIndexError
from omnisearch.jobs.job import Job, State
from omnisearch.jobs.store import JobStore
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import read_status

pytestmark = pytest.mark.slow
FILES = 1500


@pytest.fixture
def settings(tmp_path: Path, hashed_model: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for n in range(FILES):
            (tmp_path / folder / f"{n}.txt").write_text(f"{folder}: the dog number {n}")
    given = {"MODEL": hashed_model, "INDEX_ROOTS": tmp_path, "BATCH_SIZE": 1, "WORKERS": 1}
    for name, value in given.items():
        monkeypatch.setenv(f"OMNISEARCH_{name}", str(value))
    return load_settings()


@contextmanager
def started(*arguments: str, log: Path | None = None) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "omnisearch", *arguments]
    with (
        log.open("w") if log else nullcontext() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def until(condition: Callable[[], object], seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def is_half_done(store: JobStore, job: Job, settings: Settings) -> bool:
    """Whether a part of the files of a job that runs is durable."""
    assert not store.get(job.id).state.ended
    try:
        return bool(read_status(settings)["items"])
    except NoIndexError:
        return False


def check_index(settings: Settings, folders: int) -> None:
    """Every file is an item of its own, and none is there twice."""
    status = read_status(settings)
    assert status["items"] == {"text": folders * FILES}
    assert status["segments"] == {"text": folders * FILES}
    assert status["files"]["indexed"] == folders * FILES


def test_the_job_of_a_killed_worker_goes_on_in_another(settings: Settings, tmp_path: Path) -> None:
    with closing(JobStore.open(settings)) as store, started("worker") as first:
        job = store.add("index", {"paths": [str(tmp_path / "a")]})
        until(lambda: is_half_done(store, job, settings))
        with started("worker") as second:
            os.kill(first.pid, signal.SIGKILL)
            until(lambda: store.get(job.id).state.ended)
            done = store.get(job.id)
            second.terminate()
            assert second.wait(60) == 0
        assert (done.state, done.attempts) == (State.DONE, 2), done
        assert done.result is not None
        assert done.result["indexed"] == FILES
        assert done.result["unchanged"] > 0  # what the first one wrote is not read again
    check_index(settings, 1)


def test_two_workers_share_a_table_and_run_each_job_once(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNISEARCH_LOG_LEVEL", "info")
    few = tmp_path / "few"
    few.mkdir()
    for n in range(3):
        (few / f"{n}.txt").write_text(f"the dog number {n}")
    index_files([few], settings)
    logs = [tmp_path / f"worker-{n}.log" for n in range(2)]
    with closing(JobStore.open(settings)) as store, ExitStack() as running:
        processes = [running.enter_context(started("worker", log=log)) for log in logs]
        first = []
        while not all(log.stat().st_size for log in logs):  # before there is a race, each worker has begun a job
            first.append(store.add("map", {}))
            time.sleep(0.2)
        until(lambda: all(store.get(job.id).state.ended for job in first))
        jobs = [store.add("map", {}) for _ in range(30)]
        until(lambda: all(store.get(job.id).state.ended for job in jobs))
        for process in processes:
            process.terminate()
        assert [process.wait(60) for process in processes] == [0, 0]
        ended = [store.get(job.id) for job in jobs]
    assert {(job.state, job.attempts) for job in ended} == {(State.DONE, 1)}
    begun = [re.findall(r"job (\w+) \(map\) begins", log.read_text()) for log in logs]
    assert sorted([*begun[0], *begun[1]]) == sorted(job.id for job in [*first, *jobs])
    assert all(begun), "one worker ran all jobs"


def test_a_worker_that_is_asked_to_stop_gives_its_job_back(settings: Settings, tmp_path: Path) -> None:
    with closing(JobStore.open(settings)) as store:
        job = store.add("index", {"paths": [str(tmp_path / "a")]})
        with started("worker") as worker:
            until(lambda: is_half_done(store, job, settings))
            worker.terminate()
            assert worker.wait(60) == 0
        assert (store.get(job.id).state, store.get(job.id).attempts) == (State.QUEUED, 0)
        with started("worker"):
            until(lambda: store.get(job.id).state is State.DONE)
    check_index(settings, 1)


def serving() -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "omnisearch", "serve", "--port", "0"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def address(server: "subprocess.Popen[str]") -> str:
    assert server.stdout is not None
    return server.stdout.readline().strip()


def workers(settings: Settings) -> list[int]:
    """The processes that run `omnisearch worker` for this data directory."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if b"worker" in command and os.fsencode(settings.data_dir) in environment:
            found.append(int(folder.name))
    return found


def test_a_killed_server_loses_no_job_and_leaves_no_worker(settings: Settings, tmp_path: Path) -> None:
    over, failures = threading.Event(), list[Exception]()
    with serving() as server:
        try:
            base = address(server)

            def load() -> None:
                while not over.is_set():
                    try:
                        httpx2.get(f"{base}/v1/search", params={"q": "a dog"}, timeout=60)
                    except httpx2.TransportError as error:
                        failures.append(error)
                        return

            threads = [threading.Thread(target=load) for _ in range(4)]
            for thread in threads:
                thread.start()
            bodies = [{"kind": "index", "paths": [str(tmp_path / folder)]} for folder in ("a", "b")]
            ids = [httpx2.post(f"{base}/v1/jobs", json=body, timeout=60).json()["id"] for body in bodies]
            with closing(JobStore.open(settings)) as store:
                until(lambda: is_half_done(store, store.get(ids[0]), settings))
            assert workers(settings)
        finally:
            server.kill()
    over.set()
    for thread in threads:
        thread.join()
    until(lambda: not workers(settings), 60)
    with serving() as server:
        try:
            base = address(server)
            for job_id in ids:
                until(lambda job_id=job_id: httpx2.get(f"{base}/v1/jobs/{job_id}").json()["state"] == "done")  # type: ignore[misc]
            until(lambda: httpx2.get(f"{base}/readyz").status_code == 200)
        finally:
            server.terminate()
            server.wait(60)
    until(lambda: not workers(settings), 60)
    check_index(settings, 2)


def expired_by_now(settings: Settings, upload_id: str) -> None:
    """Let an upload have been used last when a server would have deleted it by now."""
    with closing(sqlite3.connect(settings.data_dir / UPLOADS_FILE)) as db, db:
        changed = db.execute("UPDATE uploads SET expires = ? WHERE id = ?", (time.time() - 1, upload_id))
    assert changed.rowcount == 1


def test_a_server_and_its_worker_that_are_killed_lose_nothing_that_was_acknowledged(
    settings: Settings, tmp_path: Path
) -> None:
    acknowledged: list[str] = []
    with serving() as server:
        try:
            base = address(server)
            uploads = [
                httpx2.post(f"{base}/v1/uploads", files={"file": ("a.txt", f"the dog of {name}")}, timeout=60).json()
                for name in ("ann", "bob")
            ]

            def load() -> None:
                """Queue jobs and search until the server is gone; note what it acknowledged."""
                try:
                    while True:
                        added = httpx2.post(f"{base}/v1/jobs", json={"kind": "map"}, timeout=60)
                        if added.status_code == 202:
                            acknowledged.append(added.json()["id"])
                        httpx2.get(f"{base}/v1/search", params={"q": "a dog"}, timeout=60)
                        time.sleep(0.1)
                except httpx2.TransportError:
                    pass

            bodies = [{"kind": "index", "paths": [str(tmp_path / folder)]} for folder in ("a", "b")]
            acknowledged += [httpx2.post(f"{base}/v1/jobs", json=body, timeout=60).json()["id"] for body in bodies]
            threads = [threading.Thread(target=load) for _ in range(4)]
            for thread in threads:
                thread.start()
            with closing(JobStore.open(settings)) as store:
                until(lambda: is_half_done(store, store.get(acknowledged[0]), settings))
            for worker in workers(settings):
                os.kill(worker, signal.SIGKILL)
        finally:
            server.kill()
    for thread in threads:
        thread.join()
    assert len(acknowledged) > 4
    expired_by_now(settings, uploads[0]["id"])
    with closing(JobStore.open(settings)) as store:
        assert {job.id for job in store.page(limit=1000)} >= set(acknowledged)
        with serving() as server:
            try:
                base = address(server)
                until(lambda: all(store.get(job_id).state.ended for job_id in acknowledged))
                found = [httpx2.get(f"{base}/v1/uploads/{upload['id']}").status_code for upload in uploads]
                until(lambda: len(list((settings.data_dir / UPLOADS_DIRECTORY).iterdir())) == 1)
            finally:
                server.terminate()
                server.wait(60)
        assert {store.get(job_id).state for job_id in acknowledged} == {State.DONE}
    assert found == [404, 200]
    check_index(settings, 2)
