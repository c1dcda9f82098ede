"""Writing: intents, then embeddings, then points, then the manifest.

The embeddings of a long file are made durable while it is read, so that a run that dies costs seconds of encoding. Its
points are written when the file is whole: a point tells how many segments its item has and whose notes it carries, and
an item of which a part is searchable would look like one that ends there.
"""

import time

from omnisearch.stores.base import Facts, VectorStore
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch_indexer.intents import Intent
from omnisearch_indexer.labels import LabelTree, told
from omnisearch_indexer.manifest import FileRow, ItemRow, Manifest
from omnisearch_indexer.reader import Reading
from omnisearch_indexer.reconcile import give_up, remove_items
from omnisearch_indexer.work import Work

# A flush of the engine costs the same for one point as for hundreds; a crash costs what was not flushed.
FLUSH_POINTS = 256
FLUSH_FILES = 1024
FLUSH_SECONDS = 10.0
FIRST_FLUSH_SECONDS = 1.0
UPSERT_POINTS = 1024


class Writer:
    """Gathers the results of a run and writes them from time to time; `decoder` is the run's decoding fingerprint.

    `whole` are the files to be indexed by the next `write`, `rows` the other outcomes that it notes.
    """

    def __init__(self, store: VectorStore, raw: SpaceEmbeddingStore, manifest: Manifest, decoder: str) -> None:
        self._store, self._raw, self._manifest, self._decoder = store, raw, manifest, decoder
        self._labels = LabelTree(manifest)
        self._doubted = frozenset(item.id for item in manifest.doubted() if item.was_read_by(decoder))
        self._unsaved: dict[Work, None] = {}  # with embeddings that are not durable
        self.whole: list[Work] = []
        self.rows: list[FileRow] = []
        self._begun = self._flushed = time.monotonic()

    def begin(self, reading: Reading) -> Work:
        """Start with a file, or go on with it: embeddings are used again that this run's decoder would give."""
        item_id = reading.item_id
        intent = self._manifest.intents.find(item_id)
        if intent is not None and intent.decoder != self._decoder:
            self._save()  # giving up makes all embeddings durable, those of other files too
            give_up([item_id], self._manifest, self._store, self._raw)
        kept = frozenset(self._manifest.intents.keys([item_id]))
        return Work(reading, kept, in_doubt=item_id in self._doubted)

    def encoded(self, work: Work) -> None:
        """Segments of a file were encoded."""
        self._unsaved[work] = None

    def finish(self, work: Work) -> None:
        """All segments of a file were encoded."""
        self.whole.append(work)

    def record(self, row: FileRow) -> None:
        """The outcome of a file is known; that of a file to `finish` is recorded by itself."""
        self.rows.append(row)

    def waited(self) -> bool:
        """Whether the last flush is long ago. At the start of a run it need not be, so that little is ever at stake."""
        allowed = max(FIRST_FLUSH_SECONDS, self._flushed - self._begun)
        return time.monotonic() - self._flushed > min(FLUSH_SECONDS, allowed)

    def due(self) -> bool:
        """Whether there is enough to write, or something that has waited."""
        segments = sum(len(work.unsaved) for work in self._unsaved)
        if segments >= FLUSH_POINTS or len(self.rows) + len(self.whole) >= FLUSH_FILES:
            return True
        return self.waited() and bool(segments or self.rows or self.whole)

    def write(self) -> list[Work]:
        """Write what there is and return the files that are whole and indexed now; durable on return."""
        self._save()
        whole, self.whole = self.whole, []
        ids = [work.reading.item_id for work in whole]
        facts = {work: self._facts(work) for work in whole}
        points = [point for work in whole for point in work.points(facts[work])]
        # Segments that another way of cutting made would stay beside the new ones.
        keep = frozenset(point.id for point in points)
        remove_items([item for item in ids if self._manifest.item(item)], self._store, self._raw, keep)
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
        """Make embeddings durable, those of unfinished files too; an intent says so before."""
        if not self._unsaved:
            return
        unsaved, self._unsaved = self._unsaved, {}
        with self._manifest.transaction():
            for work in unsaved:
                intent = Intent(work.reading.item_id, work.reading.path, self._decoder)
                self._manifest.intents.add(intent, work.unsaved)
        self._raw.flush()
        for work in unsaved:
            work.saved = len(work.keys)

    def _facts(self, work: Work) -> Facts:
        """What this file says of its item; other files that hold it are heard when the run settles."""
        reading = work.reading
        return self._labels.facts(work.info.mime, [FileRow(reading.path, reading.signature, self._decoder)])

    def _item(self, work: Work, facts: Facts) -> ItemRow:
        reading, info = work.reading, work.info
        return ItemRow(
            reading.item_id, info.modality, len(work.made), self._decoder, info.mime, told(facts), work.notes
        )

    def _row(self, work: Work) -> FileRow:
        reading = work.reading
        return FileRow(reading.path, reading.signature, self._decoder, reading.item_id)
