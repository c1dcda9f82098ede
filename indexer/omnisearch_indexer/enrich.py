"""Enrich an index: read the text and speech that it lacks. No new files are looked for."""

import os
import threading
from contextlib import ExitStack
from dataclasses import replace

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.media.versions import fingerprint
from omnisearch.meter import SILENT, Meter
from omnisearch.stores.lock import hold_lock
from omnisearch_indexer.enriched import Enriched
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.open_index import open_index
from omnisearch_indexer.open_manifest import open_manifest
from omnisearch_indexer.open_reading import open_reading
from omnisearch_indexer.scan import ScanResult
from omnisearch_indexer.session import read_files, stop_on_signal
from omnisearch_indexer.storage_errors import named_faults
from omnisearch_indexer.unread_pages import has_unread_pages, mark_unread_pages
from omnisearch_indexer.walk import Signature


def enrich_index(settings: Settings, stop: threading.Event | None = None, meter: Meter = SILENT) -> Enriched:
    """Read the text in pictures and pages, and the speech in sound, of all items that lack it at this level.

    `stop` and signals are as in `index_files`; the next run continues. `meter` receives the items.

    Raises:
        NoIndexError: nothing was indexed yet.
        UsageError: the setting `read` is `none`, or no speech model has the name in the settings.
        OmnisearchError: as `index_files`.
    """
    if settings.read == "none":
        raise UsageError("the setting read = none reads neither text nor speech: choose --read fast or --read full")
    open_manifest(settings, checked=True).close()  # raises if there is none
    with named_faults(settings.index_dir), ExitStack() as stack:
        lock = stack.enter_context(hold_lock(settings.index_dir))
        stop = stop or stack.enter_context(stop_on_signal())
        reading = stack.enter_context(open_reading(settings))
        index = stack.enter_context(open_index(settings, lock))
        assert reading is not None
        mark_unread_pages(index.manifest, reading.version)
        todo = _documents(index.manifest, reading.version, settings)
        documents = read_files(todo, settings, lambda: index, stop, SILENT, reading)
        report = reading.read_items(index, stop, meter)
        read = documents.outcomes.total() - documents.failed
        return replace(report, read=report.read + read, seconds=report.seconds + documents.seconds)


def _documents(manifest: Manifest, version: str, settings: Settings) -> ScanResult:
    """Return the files of the documents with pages to read."""
    found = ScanResult(fingerprint(settings))
    empty = [row for row in manifest.failures() if has_unread_pages(row, version)]
    held = [row for item in manifest.marked() for row in manifest.holders(item.id)]
    for path in (row.path for row in (*empty, *held)):
        try:
            found.todo.add(path, Signature.of(os.lstat(path)))
        except OSError:
            continue  # the next run of the indexer decides about it
    found.report.seen = len(found.todo)
    return found
