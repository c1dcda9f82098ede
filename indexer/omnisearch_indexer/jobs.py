"""The jobs that write the index: `index` and `forget`."""

import threading
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from omnisearch.config import Settings
from omnisearch.errors import CollectionNotFoundError, StoppedError, reason_message
from omnisearch.jobs.job import Job, Reporter
from omnisearch.jobs.roots import check_roots
from omnisearch.paths import find_path, show_path
from omnisearch.stores.collections import collection_exists, unknown
from omnisearch_indexer.manifest import MANIFEST_FILE, FileRow, Manifest


class ReportingMeter:
    """A meter that reports the bytes and files of a run to a job's reporter."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._done, self._total, self._files, self._all_files = 0, 0, 0, 0

    def start(self, total: int, files: int = 0) -> None:
        """Set the total amount of work."""
        self._done, self._total, self._files, self._all_files = 0, total, 0, files
        self._tell()

    def advance(self, count: int, files: int = 0) -> None:
        """Add to the amount of work done; negative if work must be repeated."""
        self._done += count
        self._files += files
        self._tell()

    def _tell(self) -> None:
        message = f"{self._files:,} of {self._all_files:,} files"
        self._reporter.report(self._done, self._total, "bytes", message)


def run_index(job: Job, settings: Settings, reporter: Reporter, stop: threading.Event) -> Mapping[str, Any]:
    """Index the `paths` of a job; `retry_failed` and `prune` are optional. The result is the report of the run.

    The manifest holds the outcome of every file, so a repeated job reads only the remaining files.

    Raises:
        StoppedError: `stop` was set; what was read is written.
        RootError: a path is no longer in an index root.
        OmnisearchError: as `index_files`.
    """
    from omnisearch_indexer.session import index_files

    _check_collection(settings)
    params = job.params
    report = index_files(
        [find_path(path) for path in check_roots(params["paths"], settings)],
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
    """Remove the items with the `item_ids` of a job from the index. The result counts the files, items and segments.

    Raises:
        OmnisearchError: as `forget_items`.
    """
    from omnisearch_indexer.forget import forget_items

    _check_collection(settings)
    item_ids = job.params["item_ids"]
    forgotten = forget_items(item_ids, settings)
    reporter.report(len(item_ids), len(item_ids), "items")
    return forgotten.fields()


def _check_collection(settings: Settings) -> None:
    """Raise CollectionNotFoundError if the collection was removed while the job was queued; it is not created again."""
    if not collection_exists(settings):
        raise CollectionNotFoundError(unknown(settings))


def read_errors(job: Job, settings: Settings, after: str, limit: int) -> list[Mapping[str, Any]]:
    """List files below the paths of an index job that are not indexed now: at most `limit`, after the path `after`.

    Raises:
        OmnisearchError: the manifest cannot be read.
    """
    place = settings.index_dir / MANIFEST_FILE
    if not place.exists():
        return []
    paths = [str(find_path(path)) for path in job.params["paths"]]
    with closing(Manifest(place)) as manifest:
        return [_error(row) for row in manifest.failures_within(paths, after, limit)]


def _error(row: FileRow) -> Mapping[str, Any]:
    assert row.reason is not None
    return {
        "path": show_path(row.path),
        "cursor": row.path,
        "reason": str(row.reason),
        "detail": row.detail,
        "message": reason_message(row.reason, row.detail),
        "attempts": row.attempts,
    }
