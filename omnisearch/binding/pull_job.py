"""The job `pull`: pull a model and check it, as `omnisearch models pull` does."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from omnisearch.config import Settings
from omnisearch.errors import StoppedError
from omnisearch.jobs.job import Job, Reporter
from omnisearch.meter import Meter


class _Tally:
    """Reports how much of one task is done, until the job is stopped. It is also the meter of that task."""

    def __init__(self, reporter: Reporter, stop: threading.Event, total: int | None, unit: str, message: str) -> None:
        self.done, self.message = 0, message
        self._reporter, self._stop, self._total, self._unit = reporter, stop, total, unit

    def start(self, total: int, files: int = 0) -> None:  # noqa: ARG002
        """See `Meter.start`."""
        self.done, self._total = 0, total
        self.advance(0)

    def advance(self, count: int, files: int = 0) -> None:  # noqa: ARG002
        """See `Meter.advance`.

        Raises:
            StoppedError: the job was stopped.
        """
        self.done += count
        self._reporter.report(self.done, self._total, self._unit, self.message)
        if self._stop.is_set():
            raise StoppedError("the pull was stopped; a retry continues with the remaining files")


def run_pull(job: Job, settings: Settings, reporter: Reporter, stop: threading.Event) -> Mapping[str, Any]:
    """Pull the `model` of a job, calibrate it if necessary, and check it. An interrupted pull is resumed.

    The result names the files. It also says whether the model `works`, None if it cannot be checked, and why not.

    Raises:
        StoppedError: `stop` was set.
        OmnisearchError: as `pull_files`.
    """
    from omnisearch.binding.needed_weights import needed_files, needed_models
    from omnisearch.binding.pull import check_pulled, pull_files
    from omnisearch.spaces.weights.pull import Advance
    from omnisearch.spaces.weights.spec import WeightSpec

    model = job.params["model"]
    fetched_files = [spec for spec in needed_files([model], False, settings) if not spec.packaged]
    sizes = [spec.held_to(settings.weights_dir)[1] or spec.size for spec in fetched_files]
    total = None if None in sizes else sum(size for size in sizes if size is not None)
    fetched = _Tally(reporter, stop, total, "bytes", "")

    def begin(spec: WeightSpec) -> Advance:
        fetched.message = spec.name
        return fetched.advance

    @contextmanager
    def metered(task: str) -> Iterator[Meter]:
        yield _Tally(reporter, stop, None, "samples", task)

    pulled = pull_files([model], False, settings, begin)
    report, faults = None, []
    if needed_models([model], False, settings):  # models that read text or speech are checked by their hashes alone
        found = check_pulled(model, settings, metered)
        report, faults = found.report, [found.problem]
    return {
        "model": model,
        "files": [spec.name for spec in pulled.files],
        "bytes": fetched.done,
        "works": report.works if report else None,
        "faults": list(report.faults) if report else faults,
        "notes": list(report.notes) if report else [],
    }
