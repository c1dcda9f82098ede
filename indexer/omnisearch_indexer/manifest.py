"""The manifest: what became of every file, in SQLite.

The engine is made durable first and the manifest second, so the manifest never promises what the engine lacks. What
is about to be written is named in `writing` before; after a crash those items are taken back and read again.
An item that no file holds any more is a tombstone: it stays until the engine has forgotten it.
An item in doubt, whose points or embeddings are lost or damaged, and the files that hold it have a mark before the name
of their decoder. So every run reads these files again, and the item stays in the index until then.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from omnisearch.errors import DamageError, FingerprintError, NoIndexError, Reason, StoreError
from omnisearch.stores.durable import is_damage
from omnisearch.types import Modality
from omnisearch_indexer.walk import Signature

MANIFEST_FILE = "manifest.sqlite"
VERSION = 2
DOUBT = "?"

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE roots (path BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE items (
    item_id TEXT PRIMARY KEY, modality TEXT NOT NULL, segments INTEGER NOT NULL, decoder TEXT NOT NULL,
    mime TEXT NOT NULL, told TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE files (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
    device INTEGER NOT NULL, state TEXT NOT NULL, item_id TEXT REFERENCES items, reason TEXT, detail TEXT NOT NULL,
    attempts INTEGER NOT NULL, decoder TEXT NOT NULL,
    CHECK ((state = 'indexed') = (item_id IS NOT NULL)), CHECK ((state = 'indexed') = (reason IS NULL))
) WITHOUT ROWID;
CREATE INDEX files_by_item ON files (item_id, path) WHERE item_id IS NOT NULL;
CREATE TABLE writing (item_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE labels (path BLOB, key TEXT, value TEXT, PRIMARY KEY (path, key, value)) WITHOUT ROWID;
"""
# What leads from the version before to each version. Items are then told anew, as nothing was told of them.
STEPS = {
    2: """
ALTER TABLE items DROP COLUMN path;
ALTER TABLE items ADD COLUMN mime TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN told TEXT NOT NULL DEFAULT '';
CREATE TABLE labels (path BLOB, key TEXT, value TEXT, PRIMARY KEY (path, key, value)) WITHOUT ROWID;
"""
}


Kind = TypeVar("Kind", bound=StrEnum)


class State(StrEnum):
    """Where a file ends."""

    INDEXED = "indexed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class FileRow:
    """What became of one file: an item if it is indexed, else a reason. `decoder` is the decoding fingerprint."""

    path: str
    signature: Signature
    decoder: str
    item_id: str | None = None
    reason: Reason | None = None
    detail: str = ""
    attempts: int = 1

    @property
    def state(self) -> State:
        """Where the file ended."""
        if self.reason is None:
            return State.INDEXED
        return State.UNSUPPORTED if self.reason is Reason.UNSUPPORTED_FORMAT else State.FAILED


@dataclass(frozen=True)
class ItemRow:
    """A content that is indexed; `told` is what the engine knows of it from outside its content."""

    id: str
    modality: Modality
    segments: int
    decoder: str
    mime: str
    told: str

    def was_read_by(self, decoder: str) -> bool:
        """Whether this decoder read it, be it in doubt or not."""
        return self.decoder.removeprefix(DOUBT) == decoder


class _Checked(sqlite3.Connection):
    """A connection that raises what `damaged` makes of SQLite's words when a query meets damage."""

    damaged: Callable[[str], DamageError]

    def execute(self, *query: Any) -> sqlite3.Cursor:
        try:
            return super().execute(*query)
        except sqlite3.Error as error:
            raise (self.damaged(str(error)) if is_damage(error) else error) from None

    def executemany(self, *query: Any) -> sqlite3.Cursor:
        try:
            return super().executemany(*query)
        except sqlite3.Error as error:
            raise (self.damaged(str(error)) if is_damage(error) else error) from None


class Manifest:
    """The manifest of a data directory. Use it from one thread."""

    def __init__(self, path: Path, create: bool = False) -> None:
        """Open the manifest at `path`, for reading and writing if `create`, else for reading.

        Raises:
            NoIndexError: there is none and `create` is False.
            DamageError: it is damaged.
            StoreError: it was written by a newer version.
        """
        if not create and not path.exists():
            raise NoIndexError(f"nothing was indexed in {path.parent} yet: run `omnisearch index PATH`")
        self.path, self.is_old = path, False
        mode = "rwc" if create else "ro"
        try:
            place = f"{path.absolute().as_uri()}?mode={mode}"
            self._db = sqlite3.connect(place, uri=True, isolation_level=None, factory=_Checked)
            self._db.damaged, self._db.text_factory = self._damaged, self._text
            if create:
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
            sound = self._one("PRAGMA quick_check")
            version = int(self._one("PRAGMA user_version"))
            self._db.execute("CREATE TEMP TABLE seen (path BLOB PRIMARY KEY) WITHOUT ROWID")
        except sqlite3.Error as error:
            raise self._damaged(str(error)) from None
        if sound != "ok":
            raise self._damaged(str(sound))
        if version > VERSION:
            self.close()
            raise StoreError(f"{path} has schema {version}, this omnisearch reads {VERSION}: install a newer one")
        if version == 0:
            if not create:
                raise NoIndexError(f"nothing was indexed in {path.parent} yet: run `omnisearch index PATH`")
            self._db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        self.is_old = not create and 0 < version < VERSION
        if create and version:
            for step in range(version + 1, VERSION + 1):
                self._db.executescript(f"BEGIN; {STEPS[step]} PRAGMA user_version = {step}; COMMIT;")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, durable at the end of the block."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def claim(self, **identity: str) -> None:
        """Bind the manifest to a model and a store, or hold it to those it is bound to; `model` is only a name.

        Raises:
            FingerprintError: it belongs to another; says both, and the way out.
        """
        for key, value in identity.items():
            known = self.meta().get(key)
            if key != "model" and known is not None and known != value:
                raise FingerprintError(
                    f"{self.path.parent} was indexed with {key} {known}, not {value}: go on with that one, apply "
                    f"another model with `omnisearch rebind`, or index anew under another --data-dir"
                )
        with self.transaction():
            self.rename(**identity)

    def rename(self, **identity: str) -> None:
        """Say whose vectors these are, inside a transaction."""
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", identity.items())

    def meta(self) -> dict[str, str]:
        """The model, its fingerprint, the store and the decoding fingerprint of the last run."""
        return dict(self._db.execute("SELECT key, value FROM meta"))

    def add_roots(self, roots: Iterable[str]) -> None:
        """Remember what was asked to be indexed."""
        with self.transaction():
            self._db.executemany("INSERT OR IGNORE INTO roots VALUES (?)", [(os.fsencode(root),) for root in roots])

    def roots(self) -> list[str]:
        """Everything that was ever asked to be indexed."""
        return [os.fsdecode(path) for (path,) in self._db.execute("SELECT path FROM roots ORDER BY path")]

    # Labels

    def label(self, paths: Iterable[str], pairs: Sequence[tuple[str, str]], anew: bool) -> None:
        """Give paths labels as (key, value); a tag has no key. `anew` forgets those that they have."""
        with self.transaction():
            for path in map(os.fsencode, paths):
                if anew:
                    self._db.execute("DELETE FROM labels WHERE path = ?", (path,))
                for key, value in pairs:
                    if key:
                        self._db.execute("DELETE FROM labels WHERE path = ? AND key = ?", (path, key))
                    self._db.execute("INSERT OR IGNORE INTO labels VALUES (?, ?, ?)", (path, key, value))

    def labels(self) -> Iterator[tuple[str, str, str]]:
        """Every label as (path, key, value)."""
        for path, key, value in self._db.execute("SELECT path, key, value FROM labels ORDER BY path"):
            yield os.fsdecode(path), key, value

    # Files

    def file(self, path: str) -> FileRow | None:
        """What is known of a path."""
        rows = list(self._files("WHERE path = ?", os.fsencode(path)))
        return rows[0] if rows else None

    def holders(self, item_id: str) -> list[str]:
        """The paths of an item, in order."""
        return [row.path for row in self._files("WHERE item_id = ? ORDER BY path", item_id)]

    def failures(self, with_unsupported: bool = False) -> Iterator[FileRow]:
        """The files that are not indexed, in order."""
        states = "('failed', 'unsupported')" if with_unsupported else "('failed')"
        return self._files(f"WHERE state IN {states} ORDER BY path")

    def put_files(self, rows: Iterable[FileRow]) -> None:
        """Write rows by path, inside a transaction."""
        self._db.executemany(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (os.fsencode(r.path), *r.signature, r.state, r.item_id, r.reason, r.detail, r.attempts, r.decoder)
                for r in rows
            ],
        )

    def drop_files(self, paths: Iterable[str]) -> None:
        """Forget paths, inside a transaction."""
        self._db.executemany("DELETE FROM files WHERE path = ?", [(os.fsencode(path),) for path in paths])

    def see(self, paths: Iterable[str]) -> None:
        """Note that the walk of this run met these paths."""
        self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?)", [(os.fsencode(path),) for path in paths])

    def unseen(self, root: str) -> list[FileRow]:
        """The files at or below `root` that the walk of this run did not meet."""
        prefix = os.fsencode(root).rstrip(b"/")
        query = "WHERE (path = ? OR (path > ? AND path < ?)) AND path NOT IN (SELECT path FROM seen)"
        return list(self._files(query, prefix, prefix + b"/", prefix + b"0"))  # '0' follows '/'

    # Items

    def item(self, item_id: str) -> ItemRow | None:
        """What is known of an item."""
        rows = list(self._items("WHERE item_id = ?", item_id))
        return rows[0] if rows else None

    def items(self) -> Iterator[ItemRow]:
        """Every item, in order of id."""
        return self._items("ORDER BY item_id")

    def put_items(self, rows: Iterable[ItemRow]) -> None:
        """Write rows by id, inside a transaction."""
        self._db.executemany(
            "INSERT OR REPLACE INTO items (item_id, modality, segments, decoder, mime, told) VALUES (?, ?, ?, ?, ?, ?)",
            [(r.id, r.modality, r.segments, r.decoder, r.mime, r.told) for r in rows],
        )

    def unheld(self) -> list[str]:
        """The items that no file holds."""
        query = "SELECT item_id FROM items WHERE item_id NOT IN (SELECT item_id FROM files WHERE item_id IS NOT NULL)"
        return [item_id for (item_id,) in self._db.execute(f"{query} ORDER BY item_id")]

    def held(self) -> Iterator[tuple[ItemRow, list[FileRow]]]:
        """Every item that files hold, with those files in order of their paths."""
        held = self._files("WHERE item_id IS NOT NULL ORDER BY item_id, path")
        files = groupby(held, key=lambda row: row.item_id)
        known = {item.id: item for item in self.items()}
        for item_id, rows in files:
            if item_id in known:
                yield known[item_id], list(rows)

    def forget(self, item_ids: Sequence[str]) -> None:
        """Forget items and the files that hold them: the next run reads those files again."""
        for item_id in item_ids:
            self._db.execute("DELETE FROM files WHERE item_id = ?", (item_id,))
            self._db.execute("DELETE FROM items WHERE item_id = ?", (item_id,))

    def doubt(self, item_ids: Sequence[str]) -> None:
        """Mark items and the files that hold them, inside a transaction: the next run reads those files again."""
        for table in ("items", "files"):
            self._db.executemany(
                f"UPDATE {table} SET decoder = ? || decoder WHERE item_id = ? AND substr(decoder, 1, 1) != ?",  # noqa: S608
                [(DOUBT, item_id, DOUBT) for item_id in item_ids],
            )

    def doubted(self) -> list[ItemRow]:
        """The items in doubt, in order of id."""
        return list(self._items("WHERE substr(decoder, 1, 1) = ? ORDER BY item_id", DOUBT))

    def drop_orphans(self) -> None:
        """Forget files whose item is unknown, which only damage leaves behind, inside a transaction."""
        self._db.execute("DELETE FROM files WHERE item_id IS NOT NULL AND item_id NOT IN (SELECT item_id FROM items)")

    def intend(self, item_ids: Iterable[str]) -> None:
        """Name the items whose points are about to be written; durable on return."""
        with self.transaction():
            self._db.executemany("INSERT OR IGNORE INTO writing VALUES (?)", [(item_id,) for item_id in item_ids])

    def intended(self) -> list[str]:
        """The items whose writing did not come to its end."""
        return [item_id for (item_id,) in self._db.execute("SELECT item_id FROM writing ORDER BY item_id")]

    def settle_intents(self) -> None:
        """Say that all intended points are written or taken back, inside a transaction."""
        self._db.execute("DELETE FROM writing")

    def doubt_intended(self) -> None:
        """Mark the known items among the intended, which are then intended no more, inside a transaction."""
        known = [item_id for item_id in self.intended() if self.item(item_id)]
        self.doubt(known)
        self._db.executemany("DELETE FROM writing WHERE item_id = ?", [(item_id,) for item_id in known])

    # Counts

    def segments(self) -> int:
        """How many points the engine should hold."""
        return int(self._one("SELECT COALESCE(SUM(segments), 0) FROM items"))

    def modalities(self) -> dict[str, tuple[int, int]]:
        """Items and segments by modality."""
        query = "SELECT modality, COUNT(*), SUM(segments) FROM items GROUP BY modality"
        return {modality: (items, segments) for modality, items, segments in self._db.execute(query)}

    def reasons(self) -> dict[str, int]:
        """Files that are not indexed, by reason, most frequent first."""
        query = (
            "SELECT reason, COUNT(*) AS n FROM files WHERE reason IS NOT NULL GROUP BY reason ORDER BY n DESC, reason"
        )
        return dict(self._db.execute(query))

    def states(self) -> dict[str, int]:
        """Files by state."""
        return dict(self._db.execute("SELECT state, COUNT(*) FROM files GROUP BY state"))

    def _files(self, where: str, *values: Any) -> Iterator[FileRow]:
        columns = "path, size, mtime_ns, inode, device, decoder, item_id, reason, detail, attempts"
        for path, size, mtime_ns, inode, device, decoder, item_id, reason, detail, attempts in self._db.execute(
            f"SELECT {columns} FROM files {where}",  # noqa: S608
            values,
        ):
            signature = Signature(size, mtime_ns, inode, device)
            known = None if reason is None else self._one_of(Reason, reason)
            yield FileRow(os.fsdecode(path), signature, decoder, item_id, known, detail, attempts)

    def _items(self, where: str, *values: Any) -> Iterator[ItemRow]:
        query = f"SELECT item_id, modality, segments, decoder, mime, told FROM items {where}"  # noqa: S608
        for item_id, modality, *rest in self._db.execute(query, values):
            yield ItemRow(item_id, self._one_of(Modality, modality), *rest)

    def _text(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise self._damaged(str(error)) from None

    def _one_of(self, kind: type[Kind], value: str) -> Kind:
        try:
            return kind(value)
        except ValueError as error:
            raise self._damaged(str(error)) from None

    def _one(self, query: str) -> Any:
        with closing(self._db.execute(query)) as cursor:
            return cursor.fetchone()[0]

    def _damaged(self, what: str) -> DamageError:
        return DamageError(
            f"{self.path} is damaged ({what}): rename it, then run `omnisearch index PATH...` with all folders that "
            f"were indexed"
        )
