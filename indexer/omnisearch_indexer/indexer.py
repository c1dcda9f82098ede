"""The indexer: turn files into points. One thread makes all decisions; readers, encoders and the store carry them out.

    walk -> skip files in the manifest -> hash -> skip known content -> decode -> encode in batches
         -> raw embeddings, then points, then manifest

Files are decoded, batches are encoded and points are written at the same time. Ids are derived from content and
segment, so repeated writes have no effect.
"""

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import NoReturn

from omnisearch.config import Settings
from omnisearch.errors import Reason
from omnisearch.meter import Meter
from omnisearch.renditions.kept import KeptRenditions
from omnisearch.types import Piece
from omnisearch_indexer.batcher import Batcher
from omnisearch_indexer.encoder import Encoder
from omnisearch_indexer.encoders import Encoded, Lost
from omnisearch_indexer.executor import Executor
from omnisearch_indexer.file_progress import FileProgress
from omnisearch_indexer.manifest_rows import FileRow
from omnisearch_indexer.open_index import OpenIndex
from omnisearch_indexer.preview_writer import PreviewWriter
from omnisearch_indexer.reader import Ended, Event, FileHashed, FileReading, Read, Reader, Refused
from omnisearch_indexer.reader_queue import FileQueue, ReaderQueue
from omnisearch_indexer.reconcile import settle
from omnisearch_indexer.report import Outcome, Report
from omnisearch_indexer.scan import ScanResult, refuse
from omnisearch_indexer.walk import Signature
from omnisearch_indexer.writer import Writer

ATTEMPTS = 3
CHANNEL_BYTES = 256 << 20  # for CHANNEL_WORKERS
CHANNEL_WORKERS = 8
WAIT_SECONDS = 0.2
# Each file waits several times for this thread, which takes no piece while the encoders are busy. With few files in
# progress, only the pieces of a long file would be ready.
FILES_PER_WORKER = 8


class Indexer:
    """Brings an index up to date with the files of one scan; `run` once."""

    def __init__(
        self,
        settings: Settings,
        index: OpenIndex,
        executor: Executor,
        stop: threading.Event,
        meter: Meter,
    ) -> None:
        self._store, self._raw, self._manifest = index.store, index.raw, index.manifest
        self._lock, self._stop, self._meter = index.lock, stop, meter
        self._encoder = Encoder(index.model, index.raw, settings.batch_size)
        self._batches = Batcher(
            self._encoder, executor.encoders, lambda result: self._channel.put(result, self._results)
        )
        self._hurried = False  # incomplete batches were submitted since the last write
        self._window = FILES_PER_WORKER * executor.workers
        self._channel: ReaderQueue[Event | Encoded | Lost | BaseException] = ReaderQueue(
            CHANNEL_BYTES * max(1, executor.workers // CHANNEL_WORKERS)
        )
        self._results: FileQueue[Event | Encoded | Lost | BaseException] = FileQueue()
        self._kept = KeptRenditions(settings)
        previews = PreviewWriter(self._kept)
        self._reader = Reader(executor.files, index.model.modalities, executor.workers, self._channel, stop, previews)
        self._open = 0  # files that a reader thread has or will get
        self._works: dict[FileReading, FileProgress] = {}
        self._claims: dict[str, deque[FileReading]] = {}  # content being read -> other files that hold it
        self._arrived: Counter[str] = Counter()

    def run(self, survey: ScanResult) -> Report:
        """Read the files of a scan, write them, and remove deleted ones."""
        begun = time.monotonic()
        self._survey, self._report = survey, survey.report
        self._writer = Writer(self._store, self._raw, self._manifest, survey.decoder, self._encoder)
        self._meter.start(survey.todo.bytes, len(survey.todo))
        for row in survey.refused:
            self._writer.record(row)
        try:
            self._read(survey.todo)
            self._write()
        finally:
            self._stop_reading()
        if not self._stop.is_set():
            self._settle(survey.deleted)
        self._report.interrupted = self._stop.is_set()
        self._report.outcomes[Outcome.PENDING] += self._report.seen - self._report.outcomes.total()
        self._report.partly_read = self._manifest.count_partly_read(survey.roots)
        self._report.seconds = time.monotonic() - begun
        self._report.check()
        return self._report

    def _read(self, todo: Iterable[FileReading]) -> None:
        files = iter(todo)
        while True:
            while self._open < self._window and not self._stop.is_set() and (reading := next(files, None)):
                self._hash(reading)
            if not self._open:
                self._encoded(self._batches.submit_all())  # the last, incomplete batches
                if not self._open and self._batches.is_empty:
                    return
            event = self._channel.get(WAIT_SECONDS, self._results if self._batches.is_full else None)
            if event is not None:
                self._handle(event)
            if self._writer.waited() and not self._hurried:
                self._hurried = True
                self._encoded(self._batches.submit_all())
            if self._writer.due():
                self._write()
            self._lock.pause()

    def _stop_reading(self) -> None:
        # A reader may be waiting for space in the queue: take its messages until all threads have ended.
        for work in self._works.values():
            work.reading.dead = True
        closing = threading.Thread(target=self._reader.close)
        closing.start()
        while closing.is_alive():
            self._channel.get(0.01)

    def _handle(self, event: Event | Encoded | Lost | BaseException) -> None:
        match event:
            case Encoded():
                self._encoded(self._batches.take(event))
            case Lost():
                for work in self._batches.lose(event):
                    self._lose(work)
            case FileHashed(reading):
                self._open -= 1
                self._decide(reading)
            case Read(reading, piece):
                self._group(reading, piece)
            case Refused(reading, reason, detail):
                self._open -= 1
                self._works.setdefault(reading, FileProgress(reading)).failed = (reason, detail)
                self._finish(reading)
            case Ended():
                self._open -= 1
                self._end(event)
            case _:
                _raise(event)

    # The outcome of a file

    def _hash(self, reading: FileReading) -> None:
        if reading.item_id:  # its folder was moved
            self._decide(reading)
            if self._writer.due():
                self._write()
            return
        self._open += 1
        self._reader.hash(reading)

    def _decode(self, reading: FileReading) -> None:
        self._open += 1
        self._works[reading] = self._writer.begin(reading)
        self._reader.decode(reading)

    def _decide(self, reading: FileReading) -> None:
        known = self._manifest.item(reading.item_id)
        if known is not None and known.is_current(self._survey.decoder):
            self._keep_known(reading)
        elif reading.item_id in self._claims:
            self._claims[reading.item_id].append(reading)
        elif not self._stop.is_set():
            self._claims[reading.item_id] = deque()
            self._decode(reading)

    def _keep_known(self, reading: FileReading) -> None:
        before = self._manifest.file(reading.path)
        if before is not None and before.item_id == reading.item_id:
            self._report.outcomes[Outcome.UNCHANGED] += 1  # its metadata changed, but not its content
        else:
            self._report.outcomes[Outcome.DUPLICATE] += 1
            self._arrived[reading.item_id] += 1
        self._record(reading, reading.item_id)
        self._advance(reading, reading.signature.size, files=1)

    def _end(self, event: Ended) -> None:
        reading = event.reading
        work = self._works.get(reading)
        if work is None:
            return  # the run was stopped before the file was hashed
        if work.lost:
            self._read_again(reading, event.signature)
            return
        if not event.complete:
            if work.failed is None:
                self._drop(reading)  # the run was stopped; the segments that were read are encoded and kept
                return
        elif not event.signature.matches(reading.signature):
            if reading.attempt < ATTEMPTS:
                self._read_again(reading, event.signature)
                return
            reading.signature = event.signature
            work.failed = (Reason.CHANGING, f"it changed during each of {ATTEMPTS} attempts")
        work.ended, work.notes = True, event.notes
        self._finish(reading)

    def _lose(self, work: FileProgress) -> None:
        """Read a file again whose contents were lost, or leave it to the next run if this one is stopped."""
        reading = work.reading
        if self._works.get(reading) is not work or work.failed is not None:
            return
        if reading.attempt < ATTEMPTS or self._stop.is_set():
            work.lost = True
        else:
            work.failed = (Reason.DECODER_CRASHED, f"its node was lost in each of {ATTEMPTS} attempts")
        reading.dead = True  # tells the reader to stop
        if work.ended and work.lost:
            self._read_again(reading, reading.signature)
        elif work.ended:
            self._finish(reading)

    def _read_again(self, reading: FileReading, signature: Signature) -> None:
        reading.dead = True
        self._drop(reading)
        if not self._stop.is_set():
            self._hash(FileReading(reading.path, signature, reading.attempt + 1))

    def _drop(self, reading: FileReading) -> None:
        """Abandon a reading without an outcome. Files that waited for the same content are read in its place."""
        self._works.pop(reading, None)
        self._advance(reading, 0)
        self._next_claim(reading.item_id)

    def _next_claim(self, item_id: str) -> None:
        waiting = self._claims.pop(item_id, None)
        if waiting and not self._stop.is_set():
            heir = waiting.popleft()
            self._claims[item_id] = waiting
            self._decode(heir)

    def _finish(self, reading: FileReading) -> None:
        work = self._works[reading]
        if work.failed is not None:
            # The contents that a decoder sent before it crashed are valid: they are encoded and kept for the next run.
            reading.dead = work.failed[0] is not Reason.DECODER_CRASHED
            del self._works[reading]
            self._fail(reading, *work.failed)
            self._next_claim(reading.item_id)
        elif work.done:
            del self._works[reading]
            self._writer.finish(work)
            self._advance(reading, reading.signature.size, files=1)

    def _fail(self, reading: FileReading, reason: Reason, detail: str) -> None:
        self._report.fail(reason)
        before = self._manifest.file(reading.path)
        self._writer.record(refuse(reading, before, reason, detail, self._survey.decoder, reading.runs))
        self._advance(reading, reading.signature.size, files=1)

    def _record(self, reading: FileReading, item_id: str) -> None:
        path, decoder = reading.path, self._survey.decoder
        self._writer.record(FileRow(path, reading.signature, decoder, item_id))

    def _advance(self, reading: FileReading, done: int, files: int = 0) -> None:
        """Report the bytes that are done of a file to the meter."""
        self._meter.advance(done - reading.reported, files)
        reading.reported = done

    # Encoding and writing

    def _group(self, reading: FileReading, piece: Piece) -> None:
        work = self._works.get(reading)
        if work is not None and work.failed is None and reading.info is not None:
            self._encoded(self._batches.add(work, piece))

    def _encoded(self, works: Iterable[FileProgress]) -> None:
        for work in works:
            self._writer.encoded(work)
        for work in works:
            if work.reading not in self._works:
                continue  # it was dropped while its segments were encoded
            self._advance(work.reading, work.encoded_bytes)
            if work.failed is not None:
                work.reading.dead = True  # tells the reader to stop
            if work.ended:
                self._finish(work.reading)

    def _write(self) -> None:
        self._hurried = False
        for work in self._writer.whole:
            before = self._manifest.file(work.reading.path)
            known = before is not None and before.item_id is not None
            self._report.outcomes[Outcome.CHANGED if known else Outcome.NEW] += 1
            self._report.segments += len(work.made)
        for work in self._writer.write():
            # This content is indexed now: other files with the same content are duplicates.
            for reading in self._claims.pop(work.reading.item_id, ()):
                self._keep_known(reading)
        if self._writer.rows:
            self._write()

    def _settle(self, gone: Sequence[FileRow]) -> None:
        left = Counter(row.item_id for row in gone if row.item_id is not None)
        with self._manifest.transaction():
            self._manifest.drop_files(row.path for row in gone)
            for item_id in self._arrived:
                # A file may have come from outside the given paths: it moved if its old place is empty.
                lost = [row.path for row in self._manifest.holders(item_id) if self._has_left(row)]
                self._manifest.drop_files(lost)
                left[item_id] += len(lost)
        moved = sum(min(n, left[item_id]) for item_id, n in self._arrived.items())
        self._report.outcomes[Outcome.MOVED] += moved
        self._report.outcomes[Outcome.DUPLICATE] -= moved
        self._report.removed += left.total() - moved
        self._kept.delete(settle(self._manifest, self._store, self._raw))

    def _has_left(self, row: FileRow) -> bool:
        return not os.path.lexists(row.path) and self._survey.file_systems.holds(row)


def _raise(event: object) -> NoReturn:
    raise event if isinstance(event, BaseException) else TypeError(f"no event: {event!r}")
