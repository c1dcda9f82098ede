"""Restore: make an index of a snapshot, in an empty data directory or collection.

check and copy the files -> points into the engine -> embeddings in place -> manifest in place
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from omnisearch.config import Settings
from omnisearch.errors import DamageError, OmnisearchError, UsageError
from omnisearch.meter import SILENT, Meter
from omnisearch.sqlite_copy import find_foreign
from omnisearch.sqlite_errors import is_damage
from omnisearch.stores.base import Point
from omnisearch.stores.catalog import swap
from omnisearch.stores.embeddings import TABLES, SpaceEmbeddingStore
from omnisearch.stores.row_file import ROW
from omnisearch.types import Floats
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.point_row import PointRow, point_of, read_row
from omnisearch_indexer.schema import OBJECTS
from omnisearch_indexer.snapshot_folder import (
    EMBEDDINGS,
    EMBEDDINGS_INDEX,
    MANIFEST,
    POINTS,
    TEXT_VECTORS,
    VECTORS,
    SnapshotIndex,
    check_room,
    copy_checked,
    read_index,
)
from omnisearch_indexer.stage import stage_index

BATCH_POINTS = 1024
MAX_LINE = 4 << 20


class _Row(PointRow):
    has_text_vector: bool


def restore_snapshot(folder: Path, settings: Settings, meter: Meter = SILENT) -> SnapshotIndex:
    """Make the index of the settings from a snapshot. `meter` receives the points. Every file and row is checked.

    Raises:
        UsageError: the folder is no snapshot, is damaged, or holds what no snapshot holds; names it.
        ConflictError: the settings name an index that is not empty.
        BusyError: another process indexes there.
        StoreError: the disk is full or failing.
    """
    folder = folder.absolute()
    index = read_index(folder)
    with stage_index(settings) as stage:
        check_room(index, folder, stage)
        copy_checked(folder, index, stage)
        _check_databases(stage)
        with closing(Manifest(stage / MANIFEST, create=True)) as manifest:
            _check_manifest(manifest, index, settings)
            _fill(stage, index, settings, manifest, meter)
    return index


def _check_databases(stage: Path) -> None:
    """Refuse databases with triggers, views or unknown tables, and damaged ones."""
    for name, known in ((MANIFEST, OBJECTS), (EMBEDDINGS_INDEX, TABLES)):
        try:
            foreign = find_foreign(stage / name, known)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            raise UsageError(f"{name} of the snapshot is no SQLite file: {error}") from None
        if foreign:
            raise UsageError(f"{name} of the snapshot has a {foreign}, which an index does not have")
    with closing(SpaceEmbeddingStore(stage / EMBEDDINGS)) as raw:
        try:
            raw.check_index()
        except DamageError as error:
            raise UsageError(f"{EMBEDDINGS} of the snapshot: {error}") from None


def _check_manifest(manifest: Manifest, index: SnapshotIndex, settings: Settings) -> None:
    try:
        manifest.check_items()
    except OmnisearchError as error:
        raise UsageError(f"{MANIFEST} of the snapshot is damaged: {error}") from None
    meta = manifest.meta()
    if (meta.get("model"), meta.get("fingerprint")) != (index.model, index.fingerprint):
        raise UsageError(f"{MANIFEST} of the snapshot belongs to another model than {index.model!r}")
    with manifest.transaction():
        manifest.rename(store=settings.store_name)


def _fill(stage: Path, index: SnapshotIndex, settings: Settings, manifest: Manifest, meter: Meter) -> None:
    """Write the points into a new collection, whose alias moves at the end."""
    held = Counter[str]()
    points = _read_points(stage, index)
    meter.start(index.points)
    with swap(settings, model=index.model, dim=index.dim, fingerprint=index.fingerprint) as fresh:
        while batch := list(islice(points, BATCH_POINTS)):
            held.update(point.payload.item_id for point in batch)
            fresh.upsert(batch)
            meter.advance(len(batch))
        expected = {item.id: item.segments for item in manifest.items()}
        if held != expected or fresh.count() != held.total():
            raise UsageError(f"{POINTS} of the snapshot has {held.total():,} points that do not match its {MANIFEST}")


def _read_points(stage: Path, index: SnapshotIndex) -> Iterator[Point]:
    """Yield the points of the checked files, each row checked.

    Raises:
        UsageError: a row is malformed, or the files do not have the same number of rows.
    """
    vectors, texts = _rows(stage / VECTORS, index.dim), _rows(stage / TEXT_VECTORS, index.dim)
    count = used = 0
    with (stage / POINTS).open("rb") as lines:
        while line := lines.readline(MAX_LINE):
            row = read_row(_Row, line, f"{POINTS} of the snapshot, line {count + 1}")
            if count >= len(vectors) or (row.has_text_vector and used >= len(texts)):
                raise UsageError(f"{POINTS} of the snapshot has more rows than its vectors")
            text = texts[used] if row.has_text_vector else None
            yield point_of(row, vectors[count], text)
            count, used = count + 1, used + row.has_text_vector
    if (count, count, used) != (index.points, len(vectors), len(texts)):
        raise UsageError(f"{POINTS} of the snapshot has {count:,} rows, and {index.points:,} were written")


def _rows(path: Path, dim: int) -> Floats:
    """Map float32 rows (n, dim)."""
    size, width = path.stat().st_size, dim * ROW.itemsize
    if size % width:
        raise UsageError(f"{path.name} of the snapshot has {size:,} bytes, which are no rows of {dim} numbers")
    return np.memmap(path, ROW, "r", shape=(size // width, dim)) if size else np.empty((0, dim), np.float32)
