"""Read the text in pictures and the speech in sound of indexed items, and add them to the points of the index.

    manifest: items that lack it -> read in threads -> readings by segment -> text embeddings -> points -> manifest

A crash repeats the items of one batch. The content vectors of an item are not computed again.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from omnisearch.errors import MediaError, Reason, StoppedError, reason_message
from omnisearch.media.pool import DecoderPool
from omnisearch.meter import Meter
from omnisearch.reading.item import read_item
from omnisearch.reading.reader import Level, Reader
from omnisearch.stores.base import Filter, Point
from omnisearch.types import Reading
from omnisearch_indexer.encoder import Encoder
from omnisearch_indexer.enriched import Enriched
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.manifest_rows import FileRow, ItemRow
from omnisearch_indexer.open_index import OpenIndex
from omnisearch_indexer.reading_notes import with_reading_notes
from omnisearch_indexer.reading_summary import summarized, summary
from omnisearch_indexer.reading_version import READ, ReadingModels, is_enough, reading_version
from omnisearch_indexer.segment_readings import before_end, by_segment
from omnisearch_indexer.text_vectors import with_text_vectors

# The reading process takes one picture at a time; meanwhile the next file is decoded.
THREADS = 2
BATCH_ITEMS, BATCH_SECONDS = 32, 10.0
# The file is missing or cannot be opened; a run of the indexer decides about it.
_UNREAD = frozenset({Reason.VANISHED, Reason.PERMISSION, Reason.UNREADABLE, Reason.NOT_REGULAR})


@dataclass(frozen=True, eq=False)
class _Result:
    """What was read of one item; `notes` say which part was not."""

    item: ItemRow
    readings: list[Reading]
    notes: list[str]
    failed: bool = False


_Waiting: TypeAlias = deque[tuple[ItemRow, "Future[_Result | None]"]]


class Enricher:
    """Reads the items of one index; `run` once, from the thread that uses the manifest."""

    def __init__(self, index: OpenIndex, pool: DecoderPool, reader: Reader, batch_size: int) -> None:
        self._lock, self._store, self._raw, self._manifest = index.lock, index.store, index.raw, index.manifest
        self._pool, self._reader = pool, reader
        self._encoder = Encoder(index.model, index.raw, batch_size)

    def run(self, level: Level, models: ReadingModels, stop: threading.Event, meter: Meter) -> Enriched:
        """Read every item whose readings are missing or made with less effort. `meter` receives the items."""
        begun, report = time.monotonic(), Enriched()
        todo = unread_items(self._manifest, level, models)
        report.left = len(todo)
        meter.start(len(todo))
        batch: list[_Result] = []
        flushed = time.monotonic()
        for item, result in self._results(todo, level, stop):
            report.left -= 1
            meter.advance(1)
            if result is None:
                report.skipped += 1
            else:
                report.read += 1
                report.with_text += bool(result.readings)
                report.failed += result.failed
                version = reading_version(level, item.modality, models)
                batch.append(replace(result, item=replace(item, reading=version)))
            if len(batch) >= BATCH_ITEMS or time.monotonic() - flushed > BATCH_SECONDS:
                self._write(batch)
                batch, flushed = [], time.monotonic()
            self._lock.pause()
        self._write(batch)
        report.interrupted = stop.is_set() and report.left > 0
        report.seconds = time.monotonic() - begun
        return report

    def _results(
        self, todo: list[ItemRow], level: Level, stop: threading.Event
    ) -> Iterator[tuple[ItemRow, _Result | None]]:
        """Yield every item with what was read of it; None if it has no readable file now. Ends early if stopped."""
        waiting: _Waiting = deque()
        with ThreadPoolExecutor(THREADS, thread_name_prefix="enricher") as threads:
            for item in todo:
                if stop.is_set():
                    break
                file = self._file(item)
                waiting.append((item, threads.submit(self._read, item, file, level, stop.is_set)))
                while len(waiting) > THREADS:
                    yield from _taken(waiting)
            while waiting:
                yield from _taken(waiting)

    def _file(self, item: ItemRow) -> FileRow | None:
        """Return an unchanged file of an item."""
        return next((row for row in self._manifest.holders(item.id) if row.is_unchanged()), None)

    def _read(self, item: ItemRow, file: FileRow | None, level: Level, stopped: Callable[[], bool]) -> _Result | None:
        """Read a file, once more if a process died that may have been killed, such as by the system for its memory."""
        if file is None:
            return None
        result, reason = self._try(item, file, level, stopped)
        if reason is Reason.DECODER_CRASHED:
            result, reason = self._try(item, file, level, stopped)
        return result if reason not in _UNREAD and file.is_unchanged() else None

    def _try(
        self, item: ItemRow, file: FileRow, level: Level, stopped: Callable[[], bool]
    ) -> tuple[_Result, Reason | None]:
        found = read_item(self._pool, self._reader, Path(file.path), item.modality, level, stopped)
        readings: list[Reading] = []
        try:
            with closing(found.readings):  # type: ignore[type-var]  # a generator, which holds a decoder
                readings.extend(found.readings)  # keeps those before an error
        except MediaError as error:
            why = reason_message(error.reason, error.detail)
            return _Result(item, readings, [*found.notes, why], failed=True), error.reason
        return _Result(item, readings, found.notes), None

    def _write(self, batch: list[_Result]) -> None:
        """Write the readings of some items: embeddings, then points, then the manifest; durable on return."""
        if not batch:
            return
        points: list[Point] = []
        rows: list[ItemRow] = []
        for result in batch:
            notes = list(result.notes)
            own = list(self._store.scroll(Filter(item_ids=(result.item.id,)), with_vectors=True))
            duration = own[0].payload.duration if own else None
            readings = before_end(result.readings, duration, notes)
            by_id = by_segment(readings, own, notes) if own else {}
            merged = with_reading_notes(result.item.notes, notes)
            has, languages = summary(readings)
            rows.append(summarized(replace(result.item, notes=merged), own, has, languages))
            payloads = [
                replace(point.payload, readings=by_id[point.id], notes=merged, has=has, languages=languages)
                for point in own
            ]
            points += [replace(point, payload=payload) for point, payload in zip(own, payloads, strict=True)]
        points = with_text_vectors(points, self._encoder)
        self._raw.flush()
        self._store.upsert(points)
        with self._manifest.transaction():
            self._manifest.put_items(rows)


def unread_items(manifest: Manifest, level: Level, models: ReadingModels) -> list[ItemRow]:
    """Return the items whose readings are missing, or made with less effort or fewer models than wanted."""
    wanted = {modality: reading_version(level, modality, models) for modality in READ}
    return [
        item
        for item in manifest.items()
        if item.modality in wanted and not is_enough(item.reading, wanted[item.modality])
    ]


def _taken(waiting: _Waiting) -> Iterator[tuple[ItemRow, _Result | None]]:
    item, future = waiting.popleft()
    try:
        yield item, future.result()
    except StoppedError:
        return
