"""The job `pull`: bytes as progress, stopping, and unknown models."""

import threading
from pathlib import Path

import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.errors import StoppedError, UsageError
from omnisearch.jobs.job import Job, State
from omnisearch.jobs.store import JOBS_FILE, JobStore
from omnisearch.jobs.worker import LastReport, Worker
from omnisearch.spaces.weights import pull as pulling
from omnisearch.spaces.weights.spec import WeightSpec


def queued(tmp_path: Path, model: str) -> tuple[JobStore, Job]:
    store = JobStore(tmp_path / JOBS_FILE)
    return store, store.add("pull", {"model": model})


def scripted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Take the place of the network: each file is 10 bytes, given in two parts."""
    pulled: list[str] = []

    def pull(spec: WeightSpec, settings: Settings, advance: pulling.Advance) -> Path:
        advance(4)
        advance(6)
        pulled.append(spec.name)
        return settings.weights_dir / spec.name

    monkeypatch.setattr(pulling, "pull", pull)
    return pulled


def test_a_pull_reports_bytes_and_names_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled = scripted(monkeypatch)
    store, job = queued(tmp_path, "mini")
    assert Worker(load_settings(), store, threading.Event()).run_one()
    done = store.get(job.id)
    assert done.state is State.DONE, done.error
    assert done.result == {"model": "mini", "files": pulled, "bytes": 10 * len(pulled)}
    assert pulled
    assert (done.progress.done, done.progress.unit) == (10 * len(pulled), "bytes")
    store.close()


def test_a_pull_stops_within_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from omnisearch.binding.pull_job import run_pull

    pulled, stop = scripted(monkeypatch), threading.Event()
    store, job = queued(tmp_path, "mini")
    stop.set()
    with pytest.raises(StoppedError):
        run_pull(job, load_settings(), LastReport(), stop)
    assert pulled == []
    store.close()


def test_an_unknown_model_is_named(tmp_path: Path) -> None:
    from omnisearch.binding.pull_job import run_pull

    store, job = queued(tmp_path, "minni")
    with pytest.raises(UsageError, match="minni"):
        run_pull(job, load_settings(), LastReport(), threading.Event())
    store.close()
