"""The job `pull`: progress, the outcome of the check, stopping, and unknown models."""

import threading
from pathlib import Path

import pytest

from omnisearch.binding.model_facts import model_facts
from omnisearch.binding.self_check import Report
from omnisearch.config import Settings, load_settings
from omnisearch.errors import OmnisearchError, StoppedError, UsageError, WeightsError
from omnisearch.jobs.job import Job, State
from omnisearch.jobs.store import JOBS_FILE, JobStore
from omnisearch.jobs.worker import LastReport, Worker
from omnisearch.meter import Meter
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


class Named:
    """A model of which only the name is used."""

    name = "mini"


def checked(monkeypatch: pytest.MonkeyPatch, outcome: Report | OmnisearchError, stopped: threading.Event) -> None:
    """Take the place of the model and its check, which sets `stopped`."""

    def check_model(model: object, meter: Meter) -> Report:
        meter.start(3)
        stopped.set()
        meter.advance(3)
        if isinstance(outcome, OmnisearchError):
            raise outcome
        return outcome

    monkeypatch.setattr("omnisearch.binding.model.OmniBind.load", lambda *given, **named: Named())
    monkeypatch.setattr("omnisearch.binding.self_check.check_model", check_model)


@pytest.mark.parametrize(
    ("outcome", "works", "faults", "notes"),
    [
        (Report((), (), ("names in ja are not understood",)), True, [], ["names in ja are not understood"]),
        (Report((), ("no texts",), ()), False, ["no texts"], []),
        (WeightsError("a file is damaged"), None, ["a file is damaged"], []),
    ],
    ids=["works", "fault", "error"],
)
def test_a_pull_names_the_files_and_says_whether_the_model_works(
    outcome: Report | OmnisearchError,
    works: bool | None,
    faults: list[str],
    notes: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pulled = scripted(monkeypatch)
    checked(monkeypatch, outcome, threading.Event())
    store, job = queued(tmp_path, "mini")
    assert Worker(load_settings(), store, threading.Event()).run_one()
    done = store.get(job.id)
    assert done.state is State.DONE, done.error
    size = 10 * sum(not name.endswith("-head.safetensors") for name in pulled)  # the heads ship with omnisearch
    told = {"works": works, "faults": faults, "notes": notes}
    assert done.result == {"model": "mini", "files": pulled, "bytes": size} | told
    assert pulled
    assert (done.progress.done, done.progress.unit, done.progress.message) == (3, "samples", "checking")
    store.close()


def test_a_pull_counts_the_bytes_that_it_fetches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from omnisearch.binding.pull_job import run_pull

    scripted(monkeypatch)
    checked(monkeypatch, Report((), (), ()), threading.Event())
    totals = set[tuple[int | None, str]]()

    class Totals(LastReport):
        def report(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
            totals.add((total, unit))

    store, job = queued(tmp_path, "mini")
    run_pull(job, load_settings(), Totals(), threading.Event())
    fetched = model_facts("mini", load_settings()).to_download
    assert totals == {(fetched, "bytes"), (3, "samples")}
    store.close()


def test_a_pull_stops_within_its_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from omnisearch.binding.pull_job import run_pull

    stop = threading.Event()
    scripted(monkeypatch)
    checked(monkeypatch, Report((), (), ()), stop)
    store, job = queued(tmp_path, "mini")
    with pytest.raises(StoppedError):
        run_pull(job, load_settings(), LastReport(), stop)
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
