"""Write intents, then embeddings, then points, then the manifest.

The embeddings of a long file are made durable while it is read, so a crash loses only seconds of encoding. Its points
are written when the file is complete: each point holds the number of segments and the notes of its item, and a partly
written item would look like a shorter one.
"""

import time
from dataclasses import replace

from omnisearch.metadata import Metadata
from omnisearch.stores.base import Facts, VectorStore
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch_indexer.encoder import Encoder
from omnisearch_indexer.file_progress import FileProgress
from omnisearch_indexer.intents import Intent
from omnisearch_indexer.item_metadata import finished, keeps_gps
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.manifest_rows import FileRow, ItemRow
from omnisearch_indexer.path_labels import LabelTree, facts_json
from omnisearch_indexer.reader import FileReading
from omnisearch_indexer.reconcile import give_up, remove_items
from omnisearch_indexer.text_vectors import with_text_vectors

# A flush of the engine takes as long for one point as for hundreds; a crash loses the data that were not flushed.
FLUSH_POINTS = 256
FLUSH_FILES = 1024
FLUSH_SECONDS = 10.0
FIRST_FLUSH_SECONDS = 1.0
UPSERT_POINTS = 1024


class Writer:
    """Collects the results of a run and writes them at intervals; `decoder` is the run's decoding fingerprint.

    The next `write` indexes the `whole` files and records the `rows` of the others.
    """

    def __init__(
        self, store: VectorStore, raw: SpaceEmbeddingStore, manifest: Manifest, decoder: str, encoder: Encoder
    ) -> None:
        self._store, self._raw, self._manifest, self._decoder = store, raw, manifest, decoder
        self._encoder = encoder
        self._labels = LabelTree(manifest)
        self._marked = frozenset(item.id for item in manifest.marked() if item.was_read_by(decoder))
        self._unsaved: dict[FileProgress, int] = {}  # files and the number of their embeddings that are not durable
        self._unsaved_segments = 0
        self.whole: list[FileProgress] = []
        self.rows: list[FileRow] = []
        self._begun = self._flushed = time.monotonic()

    def begin(self, reading: FileReading) -> FileProgress:
        """Begin a file, or continue one that an interrupted run of the same decoder began."""
        item_id = reading.item_id
        intent = self._manifest.intents.find(item_id)
        if intent is not None and intent.decoder != self._decoder:
            self._save()  # give_up flushes the embeddings of all files, so their intents must be durable first
            give_up([item_id], self._manifest, self._store, self._raw)
        kept = frozenset(self._manifest.intents.keys([item_id]))
        return FileProgress(reading, kept, is_marked=item_id in self._marked)

    def encoded(self, work: FileProgress) -> None:
        """Note that segments of a file were encoded."""
        segments = len(work.unsaved)
        self._unsaved_segments += segments - self._unsaved.get(work, 0)
        self._unsaved[work] = segments

    def finish(self, work: FileProgress) -> None:
        """Note that all segments of a file were encoded; the next `write` indexes it."""
        self.whole.append(work)

    def record(self, row: FileRow) -> None:
        """Note the outcome of a file that needs no encoding; `finish` notes that of the others."""
        self.rows.append(row)

    def waited(self) -> bool:
        """Whether the last flush is long ago. Flushes are more frequent at the start of a run: a crash loses little."""
        allowed = max(FIRST_FLUSH_SECONDS, self._flushed - self._begun)
        return time.monotonic() - self._flushed > min(FLUSH_SECONDS, allowed)

    def due(self) -> bool:
        """Whether enough data wait for a `write`, or some data wait for a long time."""
        segments = self._unsaved_segments
        if segments >= FLUSH_POINTS or len(self.rows) + len(self.whole) >= FLUSH_FILES:
            return True
        return self.waited() and bool(segments or self.rows or self.whole)

    def write(self) -> list[FileProgress]:
        """Write all gathered results and return the files that are now indexed; durable on return."""
        self._save()
        whole, self.whole = self.whole, []
        ids = [work.reading.item_id for work in whole]
        metadata = dict(
            zip(whole, finished([work.info.metadata for work in whole], keeps_gps(self._manifest)), strict=True)
        )
        facts = {work: self._facts(work, metadata[work]) for work in whole}
        points = with_text_vectors([point for work in whole for point in work.points(facts[work])], self._encoder)
        # Segments of an earlier decoding that cut the file differently would otherwise remain.
        keep = frozenset(point.id for point in points)
        remove_items([item for item in ids if self._manifest.item(item)], self._store, self._raw, keep)
        if points:
            self._raw.flush()  # the embeddings of captions
        for at in range(0, len(points), UPSERT_POINTS):
            self._store.upsert(points[at : at + UPSERT_POINTS])
        rows, self.rows = [*self.rows, *map(self._row, whole)], []
        with self._manifest.transaction():
            self._manifest.put_items(self._item(work, facts[work]) for work in whole)
            self._manifest.put_files(rows)
            self._manifest.intents.settle(ids)
        self._flushed = time.monotonic()
        return whole

    def _save(self) -> None:
        """Make embeddings durable, including those of unfinished files, after their intents."""
        if not self._unsaved:
            return
        unsaved, self._unsaved, self._unsaved_segments = self._unsaved, {}, 0
        with self._manifest.transaction():
            for work in unsaved:
                intent = Intent(work.reading.item_id, work.reading.path, self._decoder)
                self._manifest.intents.add(intent, work.unsaved)
        self._raw.flush()
        for work in unsaved:
            work.saved = len(work.keys)

    def _facts(self, work: FileProgress, metadata: Metadata) -> Facts:
        """The facts of an item from this file; `settle` adds those of other files at the end of the run."""
        reading = work.reading
        row, known = FileRow(reading.path, reading.signature, self._decoder), self._manifest.item(reading.item_id)
        added = float(int(time.time())) if known is None else known.added
        return replace(self._labels.facts(work.info.mime, [row], metadata), added=added)

    def _item(self, work: FileProgress, facts: Facts) -> ItemRow:
        reading, info = work.reading, work.info
        return ItemRow(
            reading.item_id,
            info.modality,
            len(work.made),
            self._decoder,
            info.mime,
            facts_json(facts),
            work.notes,
            facts.metadata,
            added=facts.added,
        )

    def _row(self, work: FileProgress) -> FileRow:
        reading = work.reading
        return FileRow(reading.path, reading.signature, self._decoder, reading.item_id)
