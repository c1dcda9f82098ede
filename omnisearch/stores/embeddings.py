"""Raw embeddings of every space, kept so that another binding can be applied without encoding again.

One directory holds one file of float32 rows per space and modality, which only ever grows, and one SQLite index that
says which row a key has. Rows are made durable before the index names them, so a crash leaves at most a tail of rows
without names, and the next write cuts it off. Any number of processes may read while one writes.
"""

import hashlib
import json
import re
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from omnisearch.errors import BusyError, StoreError, VectorError
from omnisearch.stores.durable import sync
from omnisearch.stores.gate import check_space
from omnisearch.types import Floats, Modality

EMBEDDINGS_DIRECTORY = "embeddings"
INDEX_FILE = "index.sqlite"
BUSY_SECONDS = 30
ROW = np.dtype("<f4")

SCHEMA = """
CREATE TABLE IF NOT EXISTS tables (
    id INTEGER PRIMARY KEY, space TEXT, modality TEXT, dim INTEGER, size INTEGER, UNIQUE (space, modality)
);
CREATE TABLE IF NOT EXISTS places (
    "table" INTEGER, key TEXT, row INTEGER, PRIMARY KEY ("table", key)
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class _Table:
    """One file of `size` rows of `dim` float32 numbers."""

    id: int
    path: Path
    dim: int
    size: int


class SpaceEmbeddingStore:
    """Rows by (space, modality, key). A space is `name@fingerprint`; a key is the id of a segment's point.

    What was put is seen by this object at once, and by other processes and after a crash once `flush` returned. The
    first `put` after a flush takes the write lock and keeps it until the next flush. Safe to use from several threads.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._index = sqlite3.connect(
                directory / INDEX_FILE, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._index.execute("PRAGMA journal_mode = WAL")
            self._index.execute("PRAGMA synchronous = FULL")
            self._index.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"the embeddings in {directory} cannot be opened: {error}") from error
        self._turn = threading.RLock()
        self._maps: dict[int, NDArray[np.float32]] = {}
        self._grown: set[Path] = set()

    def put(self, space: str, modality: Modality, keys: Sequence[str], rows: Floats) -> None:
        """Keep one row per key, in the place of what the key had: `rows` (n, dim). A zero row means "no such part".

        Raises:
            VectorError: a row is not finite, or not as wide as the others of its space.
            BusyError: another process is writing.
            StoreError: too little disk is left.
        """
        rows = _checked(keys, rows)
        # The last one wins where a key is named twice, and what is there already is not written again.
        latest = {key: at for at, key in enumerate(keys)}
        with self._turn:
            self._begin()
            known, present = self.get(space, modality, list(latest))
            if known.shape[1] not in {0, rows.shape[1]}:
                raise VectorError(f"{space} {modality}: rows of {rows.shape[1]} among rows of {known.shape[1]}")
            new = [
                (key, at)
                for n, (key, at) in enumerate(latest.items())
                if not (present[n] and np.array_equal(known[n], rows[at]))
            ]
            if new:
                self._append(space, modality, [key for key, _ in new], rows[[at for _, at in new]])

    def get(self, space: str, modality: Modality, keys: Sequence[str]) -> tuple[Floats, NDArray[np.bool_]]:
        """Return float32 (n, dim) and bool (n,): which keys are known. The rows of the others are zero.

        Where nothing was ever put for the space and modality, dim is 0.
        """
        with self._turn:
            table = self._table(space, modality)
            if table is None:
                return np.zeros((len(keys), 0), np.float32), np.zeros(len(keys), np.bool_)
            query = 'SELECT key, row FROM places WHERE "table" = ? AND key IN (SELECT value FROM json_each(?))'
            places = dict(self._index.execute(query, (table.id, json.dumps(list(keys)))))
            where = np.array([places.get(key, -1) for key in keys], dtype=np.int64)
            present = where >= 0
            rows = np.zeros((len(keys), table.dim), np.float32)
            rows[present] = self._mapped(table)[where[present]]
            return rows, present

    def keys(self, space: str, modality: Modality) -> list[str]:
        """Every key that has a row, in the order of writing."""
        with self._turn:
            table = self._table(space, modality)
            query = 'SELECT key FROM places WHERE "table" = ? ORDER BY row'
            return [] if table is None else [key for (key,) in self._index.execute(query, (table.id,))]

    def delete(self, keys: Sequence[str]) -> None:
        """Forget these keys in every space and modality. Unknown ones are no error."""
        with self._turn:
            self._begin()
            query = 'DELETE FROM places WHERE "table" = ? AND key = ?'
            for (table,) in self._index.execute("SELECT id FROM tables").fetchall():
                self._index.executemany(query, [(table, key) for key in keys])

    def flush(self) -> None:
        """Make what was put and deleted durable, and let others write."""
        with self._turn:
            for path in self._grown:
                sync(path)
            if self._grown:
                sync(self.directory)
            self._grown.clear()
            if self._index.in_transaction:
                self._index.execute("COMMIT")

    def close(self) -> None:
        """Let go without keeping what was not flushed. Closing twice is no error."""
        with self._turn:
            self._index.close()  # rolls back
            self._maps.clear()

    def _begin(self) -> None:
        if self._index.in_transaction:
            return
        check_space(self.directory)
        try:
            self._index.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise BusyError(f"another process is writing to {self.directory}: {error}") from error

    def _append(self, space: str, modality: Modality, keys: Sequence[str], rows: Floats) -> None:
        if self._table(space, modality) is None:
            fresh = (space, modality, rows.shape[1])
            self._index.execute("INSERT INTO tables (space, modality, dim, size) VALUES (?, ?, ?, 0)", fresh)
        table = self._table(space, modality)
        assert table is not None
        try:
            with table.path.open("ab") as file:
                file.truncate(table.size * table.dim * ROW.itemsize)  # rows that a crash left without names
                file.write(rows.astype(ROW).tobytes())
        except OSError as error:
            raise StoreError(f"{table.path} cannot be written: {error}") from error
        self._grown.add(table.path)
        places = [(table.id, key, table.size + n) for n, key in enumerate(keys)]
        self._index.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", places)
        self._index.execute("UPDATE tables SET size = ? WHERE id = ?", (table.size + len(rows), table.id))

    def _table(self, space: str, modality: Modality) -> _Table | None:
        query = "SELECT id, dim, size FROM tables WHERE space = ? AND modality = ?"
        found = self._index.execute(query, (space, modality)).fetchone()
        return None if found is None else _Table(found[0], self.directory / _file_name(space, modality), *found[1:])

    def _mapped(self, table: _Table) -> NDArray[np.float32]:
        """The rows of a table as they lie on disk (size, dim), mapped anew when it has grown."""
        mapped = self._maps.get(table.id)
        if mapped is None or len(mapped) < table.size:
            try:
                mapped = np.memmap(table.path, dtype=ROW, mode="r", shape=(table.size, table.dim))
            except (OSError, ValueError) as error:
                raise StoreError(f"{table.path} has lost rows that the index names: {error}; index again") from error
            self._maps[table.id] = mapped
        return mapped


def _checked(keys: Sequence[str], rows: Floats) -> Floats:
    if rows.ndim != 2 or len(rows) != len(keys) or rows.shape[1] == 0:
        raise VectorError(f"{len(keys)} keys and rows of shape {rows.shape}")
    rows = np.asarray(rows, dtype=np.float32)
    for key, row in zip(keys, rows, strict=True):
        if not np.isfinite(row).all():
            raise VectorError(f"the row of {key!r} is not finite")
    return rows


def _file_name(space: str, modality: Modality) -> str:
    readable = re.sub(r"[^0-9A-Za-z.]+", "-", space)[:40]
    digest = hashlib.sha256(space.encode()).hexdigest()[:12]
    return f"{readable}-{digest}-{modality}.f32"
