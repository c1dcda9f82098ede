"""Stored embeddings of every space, so that another binding can be applied without encoding again.

One directory has one append-only file of float32 rows per space and modality, and one SQLite index that maps keys to
rows. Rows are made durable before the index has them, so a crash leaves at most extra rows at the end, which
the next write cuts off. Any number of processes may read while one writes.

The index also has a CRC-32 of each row. A row whose bytes are lost or do not match counts as missing, so damaged
embeddings are never used, and the next `put` of its key replaces it.
"""

import hashlib
import json
import re
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from omnisearch.durable import sync
from omnisearch.errors import BusyError, DamageError, StoreError, VectorError
from omnisearch.sqlite_copy import copy_database
from omnisearch.sqlite_errors import is_damage
from omnisearch.stores.folders import EMBEDDINGS_DIRECTORY as EMBEDDINGS_DIRECTORY
from omnisearch.stores.row_file import NO_CHECKSUM, ROW, RowFile, row_checksum, undamaged
from omnisearch.stores.validation import check_space
from omnisearch.types import Floats, Modality

INDEX_FILE = "index.sqlite"
BUSY_SECONDS = 30

SCHEMA = """
CREATE TABLE IF NOT EXISTS tables (
    id INTEGER PRIMARY KEY, space TEXT, modality TEXT, dim INTEGER, size INTEGER,
    generation INTEGER NOT NULL DEFAULT 0, UNIQUE (space, modality)
);
CREATE TABLE IF NOT EXISTS places (
    "table" INTEGER, key TEXT, row INTEGER, PRIMARY KEY ("table", key)
) WITHOUT ROWID;
"""
TABLES = frozenset({"tables", "places"})
# Version 0 has no checksums. They are computed by the first write of a newer version.
VERSION = 1


class SpaceEmbeddingStore:
    """Rows by (space, modality, key). A space is `name@fingerprint`; a key is the id of a segment's point.

    This object sees new rows at once. Other processes see them after `flush`, which also makes them durable. The first
    `put` after a flush takes the write lock and holds it until the next flush. Safe to use from several threads.
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
            self._add_column("places", "sum INTEGER")
            self._add_column("tables", "generation INTEGER NOT NULL DEFAULT 0")
        except OSError as error:
            raise StoreError(f"the embeddings in {directory} cannot be opened: {error}") from error
        except sqlite3.Error as error:
            raise _failure(directory, error) from error
        self._turn = threading.RLock()
        self._maps: dict[Path, NDArray[np.float32]] = {}
        self._grown: set[Path] = set()

    def put(self, space: str, modality: Modality, keys: Sequence[str], rows: Floats) -> None:
        """Store one row per key, replacing its previous row: `rows` (n, dim). A zero row means "no such part".

        Raises:
            VectorError: a row is not finite, or not as wide as the others of its space.
            BusyError: another process is writing.
            StoreError: the disk is full.
        """
        rows = _checked(keys, rows)
        # The last row of a repeated key is used. Rows that are already stored are not written again.
        latest = {key: at for at, key in enumerate(keys)}
        with self._locked():
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
        """Return the rows, float32 (n, dim), and which keys have an undamaged row, bool (n,). Other rows are zero.

        If nothing is stored for the space and modality, dim is 0.
        """
        with self._locked():
            table = self._table(space, modality)
            if table is None:
                return np.zeros((len(keys), 0), np.float32), np.zeros(len(keys), np.bool_)
            query = 'SELECT key, row, sum FROM places WHERE "table" = ? AND key IN (SELECT value FROM json_each(?))'
            places = {key: place for key, *place in self._index.execute(query, (table.id, json.dumps(list(keys))))}
            mapped = self._mapped(table)
            rows, present = np.zeros((len(keys), table.dim), np.float32), np.zeros(len(keys), np.bool_)
            for n, key in enumerate(keys):
                if key in places and (row := undamaged(mapped, *places[key])) is not None:
                    rows[n], present[n] = row, True
            return rows, present

    def keys(self, space: str, modality: Modality) -> list[str]:
        """Return all stored keys, in the order of writing. Some of their rows may be damaged."""
        with self._locked():
            table = self._table(space, modality)
            query = 'SELECT key FROM places WHERE "table" = ? ORDER BY row'
            return [] if table is None else [key for (key,) in self._index.execute(query, (table.id,))]

    def all_keys(self) -> set[str]:
        """Return the keys of all spaces and modalities."""
        with self._locked():
            return {key for (key,) in self._index.execute("SELECT DISTINCT key FROM places")}

    def spaces(self) -> list[tuple[str, Modality]]:
        """Return the spaces and modalities of which rows are stored."""
        with self._locked():
            found = self._index.execute("SELECT space, modality FROM tables ORDER BY id").fetchall()
            return [(space, Modality(modality)) for space, modality in found]

    def has(self, space: str, modality: Modality, key: str) -> bool:
        """Return whether a key is stored. Its row may be damaged."""
        with self._locked():
            query = 'SELECT 1 FROM places JOIN tables ON "table" = id WHERE space = ? AND modality = ? AND key = ?'
            return self._index.execute(query, (space, modality, key)).fetchone() is not None

    def count(self) -> int:
        """Return the number of stored rows in all spaces and modalities."""
        with self._locked():
            return int(self._index.execute("SELECT COUNT(*) FROM places").fetchone()[0])

    def count_unused(self, used: Collection[str]) -> int:
        """Return the number of stored rows whose key is not in `used`."""
        with self._locked():
            return sum(key not in used for (key,) in self._index.execute("SELECT key FROM places"))

    @property
    def has_checksums(self) -> bool:
        """Return whether every row has a checksum. The next write adds those of rows from an older version."""
        with self._locked():
            return bool(self._index.execute("PRAGMA user_version").fetchone()[0] >= VERSION)

    def is_complete(self) -> bool:
        """Return whether every file is as long as the index says. Reads no rows, so changed bytes are not found."""
        with self._locked():
            return all(len(self._mapped(table)) == table.size for table in self._tables())

    def damaged(self) -> int:
        """Read every row and return how many are lost or do not match their checksum.

        Raises:
            DamageError: the index itself is damaged.
        """
        with self._locked():
            verdict = self._index.execute("PRAGMA quick_check").fetchone()[0]
            if verdict != "ok":
                raise _damaged(self.directory, verdict)
            query = 'SELECT row, sum FROM places WHERE "table" = ?'
            return sum(
                undamaged(self._mapped(table), *place) is None
                for table in self._tables()
                for place in self._index.execute(query, (table.id,))
            )

    def copy_index(self, directory: Path) -> list[RowFile]:
        """Copy the index, as it is after the last flush, into `directory`. Returns the files of its rows.

        Their first `size` rows do not change until `compact` is called, so they may be copied later.
        """
        with self._locked():
            copy_database(self._index, directory / INDEX_FILE)
            return self._tables()

    def check_index(self) -> None:
        """Check the values of the index, which may be somebody else's, and that each file has the rows that it names.

        Raises:
            DamageError: the index is damaged or malformed, or a file has another length.
        """
        with self._locked():
            verdict = self._index.execute("PRAGMA quick_check").fetchone()[0]
            if verdict != "ok":
                raise _damaged(self.directory, verdict)
            odd = """SELECT
                EXISTS (SELECT 1 FROM tables WHERE typeof(space) != 'text' OR typeof(dim) != 'integer'
                    OR typeof(size) != 'integer' OR dim NOT BETWEEN 1 AND 65536 OR size < 0)
                OR EXISTS (SELECT 1 FROM places WHERE typeof(key) != 'text' OR typeof(row) != 'integer' OR row < 0)"""
            modalities = {name for (name,) in self._index.execute("SELECT modality FROM tables")}
            if self._index.execute(odd).fetchone()[0] or modalities - set(Modality):
                raise _damaged(self.directory, "a value is malformed")
            for table in self._tables():
                if not table.path.is_file() or table.path.stat().st_size != table.size * table.dim * ROW.itemsize:
                    raise _damaged(self.directory, f"{table.path.name} has another number of rows")

    def delete(self, keys: Sequence[str]) -> None:
        """Delete these keys in every space and modality. Unknown ones are ignored."""
        with self._locked():
            self._begin()
            query = 'DELETE FROM places WHERE "table" = ? AND key = ?'
            for (table,) in self._index.execute("SELECT id FROM tables").fetchall():
                self._index.executemany(query, [(table, key) for key in keys])

    def compact(self, used: Collection[str]) -> None:
        """Delete the rows whose key is not `used`, and give back the space of deleted and replaced rows.

        Files with such rows are written again beside the old ones, and one transaction of the index replaces them all:
        a crash leaves the old store or the new one. Durable on return.
        """
        with self._locked():
            self._begin()
            self.delete([key for key in self.all_keys() if key not in used])
            for table in self._tables():
                self._rewrite(table)
            self.flush()
            self._maps.clear()
            named = {table.path for table in self._tables()}
            for path in self.directory.glob("*.f32"):
                if path not in named:
                    path.unlink()
            self._index.execute("VACUUM")
            self._index.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _rewrite(self, table: RowFile) -> None:
        """Write the used rows of a table to the file of the next generation, inside the transaction."""
        query = 'SELECT row, key FROM places WHERE "table" = ? ORDER BY row'
        places = self._index.execute(query, (table.id,)).fetchall()
        if len(places) == table.size:
            return
        self._index.execute(
            "UPDATE tables SET size = ?, generation = generation + 1 WHERE id = ?", (len(places), table.id)
        )
        moved = ((row, table.id, key) for row, (_, key) in enumerate(places))
        self._index.executemany('UPDATE places SET row = ? WHERE "table" = ? AND key = ?', moved)
        path = next(one.path for one in self._tables() if one.id == table.id)
        mapped = self._mapped(table)
        with path.open("wb") as file:
            for row, _ in places:  # a lost row stays lost
                kept = mapped[row] if row < len(mapped) else np.full(table.dim, np.nan, np.float32)
                file.write(kept.astype(ROW).tobytes())
        self._grown.add(path)

    def flush(self) -> None:
        """Make all changes durable, and release the write lock."""
        with self._locked():
            for path in self._grown:
                sync(path)
            if self._grown:
                sync(self.directory)
            self._grown.clear()
            if self._index.in_transaction:
                self._index.execute("COMMIT")

    def close(self) -> None:
        """Close the store and drop changes since the last flush. Closing twice is allowed."""
        with self._turn:
            self._index.close()  # rolls back
            self._maps.clear()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock; raise an error that says what to do if SQLite finds the index damaged."""
        with self._turn:
            try:
                yield
            except sqlite3.Error as error:
                raise _failure(self.directory, error) from error

    def _begin(self) -> None:
        if self._index.in_transaction:
            return
        check_space(self.directory)
        try:
            self._index.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise BusyError(f"another process is writing to {self.directory}: {error}") from error
        if not self.has_checksums:
            self._add_checksums()

    def _add_checksums(self) -> None:
        """Add checksums to the rows of an older version, from their present bytes."""
        for table in self._tables():
            mapped = self._mapped(table)
            query = 'SELECT key, row FROM places WHERE "table" = ? AND sum IS NULL'
            places = self._index.execute(query, (table.id,)).fetchall()
            sums = [(_checksum_now(mapped, row), table.id, key) for key, row in places]
            self._index.executemany('UPDATE places SET sum = ? WHERE "table" = ? AND key = ?', sums)
        self._index.execute(f"PRAGMA user_version = {VERSION}")

    def _append(self, space: str, modality: Modality, keys: Sequence[str], rows: Floats) -> None:
        if self._table(space, modality) is None:
            fresh = (space, modality, rows.shape[1])
            self._index.execute("INSERT INTO tables (space, modality, dim, size) VALUES (?, ?, ?, 0)", fresh)
        table = self._table(space, modality)
        assert table is not None
        table.append(rows)
        self._grown.add(table.path)
        places = [(table.id, key, table.size + n, row_checksum(rows[n])) for n, key in enumerate(keys)]
        self._index.executemany('INSERT OR REPLACE INTO places ("table", key, row, sum) VALUES (?, ?, ?, ?)', places)
        self._index.execute("UPDATE tables SET size = ? WHERE id = ?", (table.size + len(rows), table.id))

    def _add_column(self, table: str, column: str) -> None:
        """Add a column that an older version did not make."""
        known = [row[1] for row in self._index.execute(f"PRAGMA table_info({table})")]
        if column.split()[0] not in known:
            self._index.execute(f"ALTER TABLE {table} ADD COLUMN {column}")

    def _table(self, space: str, modality: Modality) -> RowFile | None:
        query = "SELECT id, dim, size, generation FROM tables WHERE space = ? AND modality = ?"
        found = self._index.execute(query, (space, modality)).fetchone()
        if found is None:
            return None
        id_, dim, size, generation = found
        return RowFile(id_, self.directory / _file_name(space, modality, generation), dim, size)

    def _tables(self) -> list[RowFile]:
        tables = (self._table(space, modality) for space, modality in self.spaces())
        return [table for table in tables if table is not None]

    def _mapped(self, table: RowFile) -> NDArray[np.float32]:
        """Return the rows of a table on the disk (at most size, dim), mapped again if the table has grown."""
        mapped = self._maps.get(table.path)
        if mapped is None or len(mapped) < table.size:
            mapped = self._maps[table.path] = table.map()
        return mapped


def set_aside(directory: Path) -> Path:
    """Rename a damaged index, so that the next store begins empty; return its new path."""
    place = directory / f"{INDEX_FILE}.damaged"
    for end in ("", "-wal", "-shm"):
        old = directory / f"{INDEX_FILE}{end}"
        if old.exists():
            old.replace(f"{place}{end}")
    sync(directory)
    return place


def _failure(directory: Path, error: sqlite3.Error) -> StoreError:
    if is_damage(error):
        return _damaged(directory, error)
    return StoreError(f"{directory / INDEX_FILE} cannot be read: {error}")


def _damaged(directory: Path, why: object) -> DamageError:
    return DamageError(f"{directory / INDEX_FILE} is damaged ({why}): run `omnisearch repair`")


def _checksum_now(rows: Floats, at: int) -> int:
    row = undamaged(rows, at, None)
    return NO_CHECKSUM if row is None else row_checksum(row)


def _checked(keys: Sequence[str], rows: Floats) -> Floats:
    if rows.ndim != 2 or len(rows) != len(keys) or rows.shape[1] == 0:
        raise VectorError(f"{len(keys)} keys and rows of shape {rows.shape}")
    rows = np.asarray(rows, dtype=np.float32)
    for key, row in zip(keys, rows, strict=True):
        if not np.isfinite(row).all():
            raise VectorError(f"the row of {key!r} is not finite")
    return rows


def _file_name(space: str, modality: Modality, generation: int) -> str:
    """Return the name of a file of rows. `compact` writes the next generation beside the present one."""
    readable = re.sub(r"[^0-9A-Za-z.]+", "-", space)[:40]
    digest = hashlib.sha256(space.encode()).hexdigest()[:12]
    return f"{readable}-{digest}-{modality}{f'.{generation}' if generation else ''}.f32"
