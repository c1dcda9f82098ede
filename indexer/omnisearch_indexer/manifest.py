"""The manifest: the outcome of every file, in SQLite.

The engine is made durable first and the manifest second, so every item of the manifest is in the engine. `intents`
name the items that are about to be written; after a crash their points are deleted and their files are read again.
An item without files is a tombstone: it stays until the engine has deleted its points.
An item is suspect if its points or embeddings are lost or damaged. Then the decoder of the item and of its files has
a mark as prefix. The next run reads these files again; the item stays in the index until then.
"""

import json
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from omnisearch.errors import FingerprintError, NoIndexError, Reason
from omnisearch.stores.collection_name import CollectionName
from omnisearch.types import PARTLY_READ, Modality
from omnisearch_indexer.intents import Intents
from omnisearch_indexer.schema import open_manifest_database
from omnisearch_indexer.storage_errors import damaged, named_faults
from omnisearch_indexer.walk import FoundFile, Signature

MANIFEST_FILE = "manifest.sqlite"
WITHIN = "WHERE (path = ? OR (path > ? AND path < ?))"
UNSEEN = " AND path NOT IN (SELECT path FROM seen)"
# The tables with a path as key.
BY_PATH = ("files", "roots", "labels")
SUSPECT = "?"
SETTLED = "settled"  # its key in the table meta


Kind = TypeVar("Kind", bound=StrEnum)


class FileState(StrEnum):
    """The outcome of a file."""

    INDEXED = "indexed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class FileRow:
    """The outcome of one file: an item if it is indexed, else a reason. `decoder` is the decoding fingerprint.

    A file with an item and a reason is indexed, and the last run could not read it. `attempts` counts the runs that
    read the file since its last change and failed.
    """

    path: str
    signature: Signature
    decoder: str
    item_id: str | None = None
    reason: Reason | None = None
    detail: str = ""
    attempts: int = 1

    @property
    def state(self) -> FileState:
        """The outcome of the file."""
        if self.item_id is not None:
            return FileState.INDEXED
        return FileState.UNSUPPORTED if self.reason is Reason.UNSUPPORTED_FORMAT else FileState.FAILED


@dataclass(frozen=True)
class ItemRow:
    """An indexed content. `facts_json` holds the facts that the engine has, see `path_labels.facts_json`.

    `notes` are short sentences on how the file was read.
    """

    id: str
    modality: Modality
    segments: int
    decoder: str
    mime: str
    facts_json: str
    notes: tuple[str, ...] = ()

    def was_read_by(self, decoder: str) -> bool:
        """Whether this decoder read the item, suspect or not."""
        return self.decoder.removeprefix(SUSPECT) == decoder


class Manifest:
    """The manifest of a data directory. Use it from one thread."""

    def __init__(self, path: Path, create: bool = False) -> None:
        """Open the manifest at `path`, for reading and writing if `create`, else for reading.

        Raises:
            NoIndexError: there is none and `create` is False.
            OmnisearchError: it is damaged or of a newer version, or one of the errors of `named_faults`.
        """
        self.path = path
        with named_faults(path):
            if not create and not path.exists():
                raise NoIndexError(f"nothing was indexed in {path.parent} yet: run `omnisearch index PATH`")
            self._db = open_manifest_database(path, create)
        self.intents = Intents(self._db)

    @property
    def is_old(self) -> bool:
        """Whether an older version wrote the manifest and no run has migrated it yet."""
        return self._db.is_migrated_copy

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold a write transaction for the block; it is durable at the end of the block, or undone."""
        self._db.execute("BEGIN IMMEDIATE")
        before = self._db.total_changes
        try:
            yield
            if self._db.total_changes != before:
                self._db.execute("DELETE FROM meta WHERE key = ?", (SETTLED,))
        except BaseException:
            if self._db.in_transaction:  # SQLite itself rolls back after some errors, such as a full disk
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def claim(self, **identity: str) -> None:
        """Bind the manifest to a model and a store, or check those it is bound to; a renamed model is the same.

        Raises:
            FingerprintError: it belongs to others; names both, and what to do.
        """
        known = self.meta()
        if (store := known.get("store", identity["store"])) != identity["store"]:
            raise FingerprintError(
                f"{self.path.parent} was indexed with store {store}, not {identity['store']}: use that store again, or "
                f"index again with another --data-dir"
            )
        if "fingerprint" in identity and "fingerprint" in known:
            _name({**identity, **known}).require(_name(identity))  # earlier manifests do not name the width
        if not identity.items() <= self.meta().items():
            with self.transaction():
                self.rename(**identity)

    def is_settled(self, version: str) -> bool:
        """Whether nothing was written since `mark_settled` with this version."""
        return self.meta().get(SETTLED) == version

    def mark_settled(self, version: str) -> None:
        """Note that the engine has the facts of all items, as this version computes them; the next write ends that."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (SETTLED, version))

    def rename(self, **identity: str) -> None:
        """Record the model and the store of the vectors, inside a transaction."""
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", identity.items())

    def meta(self) -> dict[str, str]:
        """The model, its fingerprint, the store and the decoding fingerprint of the last run."""
        return dict(self._db.execute("SELECT key, value FROM meta"))

    def add_roots(self, roots: Iterable[str]) -> None:
        """Record paths that a user asked to index."""
        with self.transaction():
            self._db.executemany("INSERT OR IGNORE INTO roots VALUES (?)", [(os.fsencode(root),) for root in roots])

    def roots(self) -> list[str]:
        """All paths that a user asked to index."""
        return [os.fsdecode(path) for (path,) in self._db.execute("SELECT path FROM roots ORDER BY path")]

    # Labels

    def label(self, paths: Iterable[str], pairs: Sequence[tuple[str, str]], anew: bool) -> None:
        """Give paths labels as (key, value); a tag has no key. `anew` removes their earlier labels."""
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
        """Return the row of a path."""
        rows = list(self._files("WHERE path = ?", os.fsencode(path)))
        return rows[0] if rows else None

    def holders(self, item_id: str) -> list[FileRow]:
        """The files that hold an item, in the order of their paths."""
        return list(self._files("WHERE item_id = ? ORDER BY path", item_id))

    def failures(self, with_unsupported: bool = False) -> Iterator[FileRow]:
        """The files that could not be read, in order of paths."""
        states = "('indexed', 'failed', 'unsupported')" if with_unsupported else "('indexed', 'failed')"
        return self._files(f"WHERE reason IS NOT NULL AND state IN {states} ORDER BY path")

    def failures_within(self, paths: Sequence[str], after: str, limit: int) -> list[FileRow]:
        """Files at and below some paths that could not be read: at most `limit`, in order, after the path `after`.

        Files of unsupported formats are left out.
        """
        within = " OR ".join(["path = ? OR (path > ? AND path < ?)"] * len(paths))
        query = f"WHERE reason IS NOT NULL AND state IN ('indexed', 'failed') AND path > ? AND ({within})"
        bounds = [bound for path in paths for bound in _within(path)]
        return list(self._files(f"{query} ORDER BY path LIMIT ?", os.fsencode(after), *bounds, limit))

    def partly_read(self) -> Iterator[tuple[str, str]]:
        """The indexed files that were read only in part, as (path, note), in order of paths."""
        query = (
            "SELECT files.path, note.value FROM files JOIN items USING (item_id), json_each(items.notes) AS note "
            "WHERE note.value LIKE ? || '%' ORDER BY files.path"
        )
        for path, note in self._db.execute(query, (PARTLY_READ,)):
            yield os.fsdecode(path), note

    def count_partly_read(self) -> int:
        """The number of partly read files among those that the walk of this run found."""
        query = (
            "SELECT COUNT(DISTINCT files.path) FROM seen JOIN files ON files.path = seen.path "
            "JOIN items USING (item_id), json_each(items.notes) AS note WHERE note.value LIKE ? || '%'"
        )
        return int(self._db.execute(query, (PARTLY_READ,)).fetchone()[0])

    def put_files(self, rows: Iterable[FileRow]) -> None:
        """Write rows by path, inside a transaction."""
        self._db.executemany(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (os.fsencode(r.path), *r.signature, r.state, r.item_id, r.reason, r.detail, r.attempts, r.decoder)
                for r in rows
            ],
        )

    def drop_files(self, paths: Iterable[str]) -> None:
        """Delete rows by path, inside a transaction."""
        self._db.executemany("DELETE FROM files WHERE path = ?", [(os.fsencode(path),) for path in paths])

    def see(self, found: Iterable[FoundFile]) -> None:
        """Note that the walk of this run found these paths."""
        rows = [(os.fsencode(one.path), one.signature.device, one.signature.ctime_ns) for one in found]
        self._db.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", rows)

    def saw(self, root: str) -> bool:
        """Whether the walk of this run found anything at or below `root`."""
        return self._any("seen", root)

    def unseen(self, root: str) -> list[FileRow]:
        """The files at or below `root` that the walk of this run did not find."""
        return list(self._files(WITHIN + UNSEEN, *_within(root)))

    def renew(self) -> None:
        """Update the devices of the files that the walk found, and add missing ctimes, inside a transaction."""
        self._db.execute(
            "UPDATE files SET device = seen.device, ctime_ns = seen.ctime_ns FROM seen WHERE files.path = seen.path "
            "AND seen.device != 0 AND files.ctime_ns IN (0, seen.ctime_ns)"
        )

    def indexed(self, place: str) -> int:
        """The number of indexed files at or below a path."""
        return int(self._one(f"SELECT COUNT(item_id) FROM files {WITHIN}", *_within(place)))  # noqa: S608

    def knows(self, place: str) -> bool:
        """Whether a file, a root or a label is recorded at or below a path."""
        return any(self._any(table, place) for table in BY_PATH)

    def drop_below(self, place: str) -> int:
        """Delete the files, roots and labels at and below a path, inside a transaction. Returns the number of files.

        Their items stay; `unheld` returns those that no other file holds.
        """
        dropped = [self._db.execute(f"DELETE FROM {table} {WITHIN}", _within(place)) for table in BY_PATH]  # noqa: S608
        return dropped[0].rowcount

    # Items

    def item(self, item_id: str) -> ItemRow | None:
        """Return the row of an item."""
        rows = list(self._items("WHERE item_id = ?", item_id))
        return rows[0] if rows else None

    def items(self) -> Iterator[ItemRow]:
        """Every item, in order of id."""
        return self._items("ORDER BY item_id")

    def check_items(self) -> None:
        """Read the row of every item.

        Raises:
            DamageError: a value of a row is damaged.
        """
        deque(self.items(), maxlen=0)

    def put_items(self, rows: Iterable[ItemRow]) -> None:
        """Write rows by id, inside a transaction."""
        self._db.executemany(
            "INSERT OR REPLACE INTO items (item_id, modality, segments, decoder, mime, told, notes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(r.id, r.modality, r.segments, r.decoder, r.mime, r.facts_json, json.dumps(r.notes)) for r in rows],
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
        """Delete items and the files that hold them; the next run reads those files again."""
        for item_id in item_ids:
            self._db.execute("DELETE FROM files WHERE item_id = ?", (item_id,))
            self._db.execute("DELETE FROM items WHERE item_id = ?", (item_id,))

    def mark_suspect(self, item_ids: Sequence[str]) -> None:
        """Mark items and their files as suspect, inside a transaction: the next run reads these files again."""
        for table in ("items", "files"):
            self._db.executemany(
                f"UPDATE {table} SET decoder = ? || decoder WHERE item_id = ? AND substr(decoder, 1, 1) != ?",  # noqa: S608
                [(SUSPECT, item_id, SUSPECT) for item_id in item_ids],
            )

    def suspects(self) -> list[ItemRow]:
        """The suspect items, in order of id."""
        return list(self._items("WHERE substr(decoder, 1, 1) = ? ORDER BY item_id", SUSPECT))

    def mark_intended_suspect(self) -> None:
        """Mark the known items that have an intent as suspect, inside a transaction."""
        self.mark_suspect([intent.item_id for intent in self.intents.all() if self.item(intent.item_id)])

    def drop_orphans(self) -> None:
        """Delete files whose item does not exist, inside a transaction. Only damage causes such rows."""
        self._db.execute("DELETE FROM files WHERE item_id IS NOT NULL AND item_id NOT IN (SELECT item_id FROM items)")

    # Counts

    def segments(self) -> int:
        """Return the number of points that the engine should hold."""
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
        columns = "path, decoder, item_id, reason, detail, attempts, size, mtime_ns, inode, device, ctime_ns"
        for path, decoder, item_id, reason, detail, attempts, *signature in self._db.execute(
            f"SELECT {columns} FROM files {where}",  # noqa: S608
            values,
        ):
            known = None if reason is None else self._one_of(Reason, reason)
            yield FileRow(os.fsdecode(path), Signature(*signature), decoder, item_id, known, detail, attempts)

    def _items(self, where: str, *values: Any) -> Iterator[ItemRow]:
        query = f"SELECT item_id, modality, segments, decoder, mime, told, notes FROM items {where}"  # noqa: S608
        for item_id, modality, segments, decoder, mime, facts, notes in self._db.execute(query, values):
            kind, known = self._one_of(Modality, modality), tuple(json.loads(notes))
            yield ItemRow(item_id, kind, segments, decoder, mime, facts, known)

    def _one_of(self, kind: type[Kind], value: str) -> Kind:
        try:
            return kind(value)
        except ValueError as error:
            raise damaged(self.path, error) from None

    def _any(self, table: str, place: str) -> bool:
        return bool(self._one(f"SELECT EXISTS (SELECT 1 FROM {table} {WITHIN})", *_within(place)))  # noqa: S608

    def _one(self, query: str, *values: Any) -> Any:
        with closing(self._db.execute(query, values)) as cursor:
            return cursor.fetchone()[0]


def _name(meta: dict[str, str]) -> CollectionName:
    return CollectionName(meta["model"], int(meta["dim"]), meta["fingerprint"])


def _within(place: str) -> tuple[bytes, bytes, bytes]:
    """The parameters of WITHIN for a path."""
    prefix = os.fsencode(place).rstrip(b"/")
    return prefix, prefix + b"/", prefix + b"0"  # '0' follows '/'
