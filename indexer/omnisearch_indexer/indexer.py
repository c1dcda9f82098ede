"""The indexer: files in, points out. One thread owns every decision; readers and the store only do as told.

    walk -> manifest drops what is known -> hash -> known content is dropped -> decode -> encode in batches
         -> raw embeddings, then points, then manifest

Ids are made from content and segment, so doing a thing twice is doing it once.
"""

import os
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import NoReturn

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import Reason
from omnisearch.stores.base import Facts, VectorStore
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch.stores.gate import MAX_TEXT
from omnisearch.stores.ids import point_id
from omnisearch.types import Modality, Piece
from omnisearch_indexer.channel import Channel, content_bytes
from omnisearch_indexer.encoder import Encoder, usable
from omnisearch_indexer.labels import LabelTree, told
from omnisearch_indexer.manifest import FileRow, ItemRow, Manifest
from omnisearch_indexer.progress import Meter
from omnisearch_indexer.reader import Decoder, Ended, Event, Hashed, Read, Reader, Reading, Refused
from omnisearch_indexer.reconcile import remove_items, settle
from omnisearch_indexer.report import Outcome, Report
from omnisearch_indexer.survey import Survey, refuse
from omnisearch_indexer.work import Made, Work

ATTEMPTS = 3
CHANNEL_BYTES = 256 << 20
GROUP_BYTES = 256 << 20
# A flush of the engine costs the same for one point as for hundreds; a crash costs what was not flushed.
FLUSH_POINTS = 256
FLUSH_FILES = 1024
FLUSH_SECONDS = 10.0
UPSERT_POINTS = 1024
WAIT_SECONDS = 0.2


class Indexer:
    """Brings an index up to date with the files of one survey; `run` once."""

    def __init__(
        self,
        settings: Settings,
        model: OmniBind,
        store: VectorStore,
        raw: SpaceEmbeddingStore,
        manifest: Manifest,
        decoder: Decoder,
        stop: threading.Event,
        meter: Meter,
    ) -> None:
        self._store, self._raw, self._manifest, self._stop, self._meter = store, raw, manifest, stop, meter
        self._encoder = Encoder(model, raw, settings.batch_size)
        self._channel: Channel[Event | BaseException] = Channel(CHANNEL_BYTES)
        self._reader = Reader(decoder, model.modalities, settings.workers, self._channel, stop)
        self._window = 2 * settings.workers
        self._open = 0  # files that a reader thread has or will get
        self._works: dict[Reading, Work] = {}
        self._claims: dict[str, deque[Reading]] = {}  # content being read -> other files that hold it
        self._groups: dict[Modality, list[tuple[Work, Piece]]] = defaultdict(list)
        self._grouped = 0
        self._ready: list[Work] = []
        self._rows: list[FileRow] = []
        self._flushed = time.monotonic()
        self._arrived: Counter[str] = Counter()

    def run(self, survey: Survey) -> Report:
        """Read what the survey found, write it, and remove what is gone."""
        begun = time.monotonic()
        self._survey, self._report = survey, survey.report
        self._labels = LabelTree(self._manifest)
        self._doubted = frozenset(i.id for i in self._manifest.doubted() if i.was_read_by(survey.decoder))
        self._meter.start(len(survey.todo))
        self._rows.extend(survey.refused)
        try:
            self._read(survey.todo)
            self._encode_groups()
            self._write()
        finally:
            self._stop_reading()
        if not self._stop.is_set():
            self._settle(survey.gone)
        self._report.interrupted = self._stop.is_set()
        self._report.outcomes[Outcome.PENDING] += self._report.seen - self._report.outcomes.total()
        self._report.seconds = time.monotonic() - begun
        self._report.check()
        return self._report

    def _read(self, todo: Iterable[Reading]) -> None:
        files = iter(todo)
        while True:
            while self._open < self._window and not self._stop.is_set() and (reading := next(files, None)):
                self._hash(reading)
            if not self._open:
                return
            event = self._channel.get(WAIT_SECONDS)
            if event is not None:
                self._handle(event)
            if self._due():
                self._write()

    def _stop_reading(self) -> None:
        # A reader may wait for room in the channel: take what it has, until no thread is left.
        for work in self._works.values():
            work.reading.dead = True
        closing = threading.Thread(target=self._reader.close)
        closing.start()
        while closing.is_alive():
            self._channel.get(0.01)

    def _handle(self, event: Event | BaseException) -> None:
        match event:
            case Hashed(reading):
                self._open -= 1
                self._decide(reading)
            case Read(reading, piece):
                self._group(reading, piece)
            case Refused(reading, reason, detail):
                self._open -= 1
                self._works.setdefault(reading, Work(reading)).failed = (reason, detail)
                self._finish(reading)
            case Ended():
                self._open -= 1
                self._end(event)
            case _:
                _raise(event)

    # What becomes of a file

    def _hash(self, reading: Reading) -> None:
        self._open += 1
        self._reader.hash(reading)

    def _decode(self, reading: Reading) -> None:
        self._open += 1
        self._works[reading] = Work(reading)
        self._reader.decode(reading)

    def _decide(self, reading: Reading) -> None:
        known = self._manifest.item(reading.item_id)
        if known is not None and known.decoder == self._survey.decoder:
            self._keep_known(reading)
        elif reading.item_id in self._claims:
            self._claims[reading.item_id].append(reading)
        elif not self._stop.is_set():
            self._claims[reading.item_id] = deque()
            self._decode(reading)

    def _keep_known(self, reading: Reading) -> None:
        before = self._manifest.file(reading.path)
        if before is not None and before.item_id == reading.item_id:
            self._report.outcomes[Outcome.UNCHANGED] += 1  # touched, not changed
        else:
            self._report.outcomes[Outcome.DUPLICATE] += 1
            self._arrived[reading.item_id] += 1
        self._record(reading, reading.item_id)

    def _end(self, event: Ended) -> None:
        reading = event.reading
        work = self._works[reading]
        if not event.complete:
            if work.failed is None:
                self._drop(reading)
                return
        elif not event.signature.matches(reading.signature):
            if reading.attempt < ATTEMPTS:
                self._drop(reading)
                self._hash(Reading(reading.path, event.signature, reading.attempt + 1))
                return
            reading.signature = event.signature
            work.failed = (Reason.CHANGING, f"it changed during each of {ATTEMPTS} attempts")
        work.ended = True
        self._finish(reading)

    def _drop(self, reading: Reading) -> None:
        """Leave a reading without an outcome; whoever waited for its content goes on alone."""
        reading.dead = True
        self._works.pop(reading, None)
        self._next_claim(reading.item_id)

    def _next_claim(self, item_id: str) -> None:
        waiting = self._claims.pop(item_id, None)
        if waiting and not self._stop.is_set():
            heir = waiting.popleft()
            self._claims[item_id] = waiting
            self._decode(heir)

    def _finish(self, reading: Reading) -> None:
        work = self._works[reading]
        if work.failed is not None:
            reading.dead = True
            del self._works[reading]
            self._fail(reading, *work.failed)
            self._next_claim(reading.item_id)
        elif work.done:
            del self._works[reading]
            self._ready.append(work)

    def _fail(self, reading: Reading, reason: Reason, detail: str) -> None:
        self._report.fail(reason)
        before = self._manifest.file(reading.path)
        self._rows.append(refuse(reading, before, reason, detail, self._survey.decoder, reading.attempt))
        self._meter.advance()

    def _record(self, reading: Reading, item_id: str) -> None:
        path, decoder = reading.path, self._survey.decoder
        self._rows.append(FileRow(path, reading.signature, decoder, item_id, attempts=reading.attempt))
        self._meter.advance()

    # Encoding

    def _group(self, reading: Reading, piece: Piece) -> None:
        work = self._works.get(reading)
        if work is None or work.failed is not None or reading.info is None:
            return
        modality = reading.info.modality
        work.pieces += 1
        self._groups[modality].append((work, piece))
        self._grouped += content_bytes(piece.content)
        if len(self._groups[modality]) >= self._encoder.size(modality):
            self._encode(modality)
        elif self._grouped > GROUP_BYTES:
            self._encode_groups()

    def _encode_groups(self) -> None:
        for modality in list(self._groups):
            self._encode(modality)

    def _encode(self, modality: Modality) -> None:
        group = [(work, piece) for work, piece in self._groups.pop(modality, []) if not work.reading.dead]
        self._grouped = sum(content_bytes(p.content) for others in self._groups.values() for _, p in others)
        if not group:
            return
        keys = [point_id(work.reading.item_id, piece.segment) for work, piece in group]
        kept = [work.reading.item_id in self._doubted for work, _ in group]
        vectors, too_large = self._encoder.encode(modality, keys, [piece.content for _, piece in group], kept)
        for (work, piece), vector, failed in zip(group, vectors, too_large, strict=True):
            if failed:
                work.failed = (Reason.OOM, f"segment {piece.segment.index} does not fit into memory alone")
            elif not usable(vector):
                work.failed = (Reason.NON_FINITE, f"segment {piece.segment.index} has no direction in the space")
            else:
                passage = piece.content[:MAX_TEXT] if isinstance(piece.content, str) else ""
                work.made.append(Made(piece.segment, piece.snippet, passage, vector))
        for work in dict.fromkeys(work for work, _ in group):
            if work.failed is not None:
                work.reading.dead = True  # the reader ends it
            if work.ended and work.reading in self._works:
                self._finish(work.reading)

    # Writing: engine first, manifest second

    def _due(self) -> bool:
        waited = time.monotonic() - self._flushed > FLUSH_SECONDS
        points = sum(len(work.made) for work in self._ready)
        return points >= FLUSH_POINTS or len(self._rows) >= FLUSH_FILES or (waited and bool(self._ready or self._rows))

    def _write(self) -> None:
        ready, self._ready = self._ready, []
        for work in ready:
            before = self._manifest.file(work.reading.path)
            known = before is not None and before.item_id is not None
            self._report.outcomes[Outcome.CHANGED if known else Outcome.NEW] += 1
            self._report.segments += len(work.made)
            self._record(work.reading, work.reading.item_id)
        ids = [work.reading.item_id for work in ready]
        facts = {work: self._facts(work) for work in ready}
        if ready:
            self._manifest.intend(ids)
            self._raw.flush()
            points = [point for work in ready for point in work.points(facts[work])]
            keep = frozenset(point.id for point in points)
            # Segments that another way of cutting made would stay beside the new ones.
            remove_items([item for item in ids if self._manifest.item(item)], self._store, self._raw, keep)
            for at in range(0, len(points), UPSERT_POINTS):
                self._store.upsert(points[at : at + UPSERT_POINTS])
        rows, self._rows = self._rows, []
        with self._manifest.transaction():
            self._manifest.put_items(
                ItemRow(
                    w.reading.item_id, w.info.modality, len(w.made), self._survey.decoder, w.info.mime, told(facts[w])
                )
                for w in ready
            )
            self._manifest.put_files(rows)
            self._manifest.settle_intents()
        self._flushed = time.monotonic()
        for work in ready:
            # The content is known now: whoever waited for it is a duplicate.
            for reading in self._claims.pop(work.reading.item_id, ()):
                self._keep_known(reading)
        if self._rows:
            self._write()

    def _facts(self, work: Work) -> Facts:
        """What this file says of its item; other files that hold it are heard when the run settles."""
        reading = work.reading
        return self._labels.facts(work.info.mime, [FileRow(reading.path, reading.signature, self._survey.decoder)])

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
        settle(self._manifest, self._store, self._raw)

    def _has_left(self, row: FileRow) -> bool:
        return not os.path.lexists(row.path) and self._survey.volumes.holds(row)


def _raise(event: object) -> NoReturn:
    raise event if isinstance(event, BaseException) else TypeError(f"no event: {event!r}")
