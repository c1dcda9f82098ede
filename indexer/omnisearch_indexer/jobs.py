"""The jobs that write the index: `index` and `forget`."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omnisearch.config import Settings
from omnisearch.errors import StoppedError
from omnisearch.jobs.job import Job, Reporter


class ReportingMeter:
    """Tells a job's reporter how many bytes and files of a run are done."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._done, self._total, self._files, self._all_files = 0, 0, 0, 0

    def start(self, total: int, files: int = 0) -> None:
        """So much is to be done."""
        self._done, self._total, self._files, self._all_files = 0, total, 0, files
        self._tell()

    def advance(self, count: int, files: int = 0) -> None:
        """So much of it is done; negative where work must be done again."""
        self._done += count
        self._files += files
        self._tell()

    def _tell(self) -> None:
        message = f"{self._files:,} of {self._all_files:,} files"
        self._reporter.report(self._done, self._total, "bytes", message)


def run_index(job: Job, settings: Settings, reporter: Reporter, stop: threading.Event) -> Mapping[str, Any]:
    """Index the `paths` of a job; `retry_failed` and `prune` are optional. The result is the report of the run.

    The manifest holds the outcome of every file, so a job that runs again reads only the rest.

    Raises:
        StoppedError: `stop` was set; what was read is written.
        OmnisearchError: as `index_files`.
    """
    from omnisearch_indexer.session import index_files

    params = job.params
    report = index_files(
        [Path(path) for path in params["paths"]],
        settings,
        retry_failed=params.get("retry_failed", False),
        prune=params.get("prune", False),
        stop=stop,
        meter=ReportingMeter(reporter),
    )
    if report.interrupted:
        raise StoppedError(f"indexing was stopped: {report}")
    return report.fields()


def run_forget(job: Job, settings: Settings, reporter: Reporter, stop: threading.Event) -> Mapping[str, Any]:  # noqa: ARG001
    """Remove the items with the `item_ids` of a job from the index. The result says how much was removed.

    Raises:
        OmnisearchError: as `forget_items`.
    """
    from omnisearch_indexer.forget import forget_items

    item_ids = job.params["item_ids"]
    forgotten = forget_items(item_ids, settings)
    reporter.report(len(item_ids), len(item_ids), "items")
    return forgotten.fields()
