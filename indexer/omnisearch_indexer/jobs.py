"""The jobs that write the index: `index`, `enrich` and `forget`."""

import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from typing import Any

from omnisearch.config import Settings
from omnisearch.errors import BusyError, CollectionNotFoundError, StoppedError
from omnisearch.jobs.job import Job, Reporter
from omnisearch.jobs.roots import check_roots
from omnisearch.paths import find_path
from omnisearch.search.map_job import queue_map
from omnisearch.stores.collections import collection_exists, unknown
from omnisearch_indexer.library import failure
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest


class ReportingMeter:
    """A meter that reports the progress of a run, in `unit`, to a job's reporter."""

    def __init__(self, reporter: Reporter, unit: str) -> None:
        self._reporter, self._unit = reporter, unit
        self._done, self._total, self._files, self._all_files = 0, 0, 0, 0

    def start(self, total: int, files: int = 0) -> None:
        """Set the total amount of work, and the number of files if they are counted apart."""
        self._done, self._total, self._files, self._all_files = 0, total, 0, files
        self._tell()

    def advance(self, count: int, files: int = 0) -> None:
        """Add to the amount of work done; negative if work must be repeated."""
        self._done += count
        self._files += files
        self._tell()

    def _tell(self) -> None:
        message = f"{self._files:,} of {self._all_files:,} files" if self._all_files else ""
        self._reporter.report(self._done, self._total, self._unit, message)


def run_index(job: Job, settings: Settings, reporter: Reporter, stop: threading.Event) -> Mapping[str, Any]:
    """Index the `paths` of a job; `retry_failed` and `prune` are optional. The result is the report of the run.

    Jobs of a watching server have the roots of paths that changed as `within` (`omnisearch.jobs.index_watch`). After a
    job of a user, one that makes the map is queued if the map is outdated then.

    The manifest holds the outcome of every file, so a repeated job reads only the remaining files.

    Raises:
        StoppedError: `stop` was set; what was read is written.
        RootError: a path is no longer in an index root.
        OmnisearchError: as `index_files`.
    """
    from omnisearch_indexer.session import index_files

    _check_collection(settings)
    params = job.params
    is_watched = "within" in params
    paths = params["paths"] if is_watched else check_roots(params["paths"], settings)
    report = index_files(
        list(map(find_path, paths)),
        settings,
        retry_failed=params.get("retry_failed", False),
        prune=params.get("prune", False),
        stop=stop,
        meter=ReportingMeter(reporter, "bytes"),
        within=[str(find_path(root)) for root in params.get("within", ())],
    )
    if report.interrupted:
        raise StoppedError(f"indexing was stopped: {report}")
    if not is_watched:  # a map is too much work for every file that changes
        with suppress(BusyError):  # too many jobs are queued
            queue_map(settings)
    return report.fields()


def run_enrich(job: Job, settings: Settings, reporter: Reporter, stop: threading.Event) -> Mapping[str, Any]:
    """Read the text and speech that the items of the index lack, at the level `read` of a job.

    Raises:
        StoppedError: `stop` was set; what was read is written.
        OmnisearchError: as `enrich_index`.
    """
    from omnisearch_indexer.enrich import enrich_index

    _check_collection(settings)
    level = settings.model_copy(update={"read": job.params["read"]})
    report = enrich_index(level, stop, ReportingMeter(reporter, "items"))
    if report.interrupted:
        raise StoppedError(f"reading was stopped: {report}")
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
        return [failure(row) for row in manifest.failures_within(paths, after, limit)]
