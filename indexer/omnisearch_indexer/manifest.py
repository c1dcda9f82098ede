"""The manifest: the outcome of every file, in SQLite.

The engine is made durable first and the manifest second, so every item of the manifest is in the engine. `intents`
name the items that are about to be written; after a crash their points are deleted and their files are read again.
An item without files is a tombstone: it stays until the engine has deleted its points.
An item is suspect if its points or embeddings are lost or damaged. Then the decoder of the item and of its files has
a mark as prefix. The next run reads these files again; the item stays in the index until then. Documents with pages to
read have another mark.
"""

import json
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields
from enum import IntEnum, StrEnum
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from omnisearch.errors import FingerprintError, NoIndexError, Reason
from omnisearch.metadata import Metadata
from omnisearch.modality import Modality
from omnisearch.notes import PARTLY_READ
from omnisearch.paths import is_within
from omnisearch.sqlite_copy import copy_database
from omnisearch_indexer.intents import Intents
from omnisearch_indexer.manifest_rows import PAGES, SUSPECT, FileRow, ItemRow
from omnisearch_indexer.schema import open_manifest_database
from omnisearch_indexer.storage_errors import damaged, named_faults
from omnisearch_indexer.walk import FoundFile, Signature

if TYPE_CHECKING:
    from omnisearch.stores.collection_name import CollectionName

MANIFEST_FILE = "manifest.sqlite"
WITHIN_TERM = "(path = ? OR (path > ? AND path < ?))"
WITHIN = f"WHERE {WITHIN_TERM}"
ABSENT = " AND path IN (SELECT path FROM absent)"
ITEM_COLUMNS = "item_id, modality, segments, decoder, mime, told, notes, metadata, reading, found, added"
# The tables with a path as key.
BY_PATH = ("files", "roots", "labels")
SETTLED, SELECTED = "settled", "selected_roots"  # keys in the table meta
MOST_TOUCHED = 1000  # reading more items one by one takes longer than reading all
PAGE = 1000  # items in memory at a time


Kind = TypeVar("Kind", bound=StrEnum)
# A path, the fields of its signature in the order in which they differ most often, and its standing.
KnownFile: TypeAlias = tuple[bytes, int, int, int, int, int, int]


class Standing(IntEnum):
    """Which outcome a known file has if it is unchanged. OTHER: that depends on more than its signature."""

    OTHER = 0
    INDEXED = 1
    UNSUPPORTED = 2


class Manifest:
    """The manifest of a data directory. Use it from one thread."""

    def __init__(self, path: Path, create: bool = False, checked: bool = False) -> None:
        """Open the manifest at `path`, for reading and writing if `create`, else for reading.

        It is checked for damage unless it was `checked` since it last changed.

        Raises:
            NoIndexError: there is none and `create` is False.
            OmnisearchError: it is damaged or of a newer version, or one of the errors of `named_faults`.
        """
        self.path = path
        with named_faults(path):
            if not create and not path.exists():
                raise NoIndexError(f"nothing was indexed in {path.parent} yet: run `omnisearch index PATH`")
            self._db = open_manifest_database(path, create, checked)
            # The version for which all items are settled that were not touched since.
            self._settled_before = self.meta().get(SETTLED, "") if checked else ""  # a crash may have come between
        self.intents = Intents(self._db)

    def vacuum(self) -> None:
        """Give back the space of deleted rows."""
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def copy(self, path: Path) -> None:
        """Write a copy of the file to `path`, as it is after the last transaction."""
        copy_database(self._db, path)

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
        self.require(**identity)
        if not identity.items() <= self.meta().items():
            with self.transaction():
                self.rename(**identity)

    def require(self, **identity: str) -> None:
        """Check the model and the store that the manifest is bound to, if it is bound to any.

        Raises:
            FingerprintError: as `claim`.
        """
        known = self.meta()
        if (store := known.get("store", identity["store"])) != identity["store"]:
            raise FingerprintError(
                f"{self.path.parent} was indexed with store {store}, not {identity['store']}: use that store again, "
                f"copy its points with `omnisearch store copy --to {identity['store']}`, or index again with another "
                f"--data-dir"
            )
        if "fingerprint" in identity and "fingerprint" in known:
            _name({**identity, **known}).require(_name(identity))  # earlier manifests do not name the width

    def is_settled(self, version: str) -> bool:
        """Whether nothing was written since `mark_settled` with this version."""
        return self.meta().get(SETTLED) == version

    def mark_settled(self, version: str) -> None:
        """Note that the engine has the facts of all items, as this version computes them; the next write ends that."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (SETTLED, version))
        self._db.execute("DELETE FROM touched")
        self._settled_before = version

    def touched(self, version: str) -> list[str] | None:
        """The items that were written since the manifest was settled with this version; None if they are not known."""
        if self._settled_before != version or self._one("SELECT COUNT(*) FROM touched") > MOST_TOUCHED:
            return None
        return [item_id for (item_id,) in self._db.execute("SELECT item_id FROM touched ORDER BY item_id")]

    def rename(self, **identity: str) -> None:
        """Record the model and the store of the vectors, inside a transaction."""
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", identity.items())

    def meta(self) -> dict[str, str]:
        """The model, its fingerprint, the store and the decoding fingerprint of the last run."""
        return dict(self._db.execute("SELECT key, value FROM meta"))

    @property
    def is_bound(self) -> bool:
        """Whether a run bound the manifest to a model. One that was made and not yet bound replaces a lost one."""
        return "fingerprint" in self.meta()

    def add_roots(self, roots: Iterable[str]) -> None:
        """Record paths that a user asked to index."""
        with self.transaction():
            self._db.executemany(
                "INSERT OR IGNORE INTO roots (path) VALUES (?)", [(os.fsencode(root),) for root in roots]
            )

    def note_selection(self, roots: Iterable[str], is_selected: bool) -> None:
        """Record whether the last run over these roots had options that select files; a run without them differs."""
        known = self.selected_roots()
        selected = known | set(roots) if is_selected else known - set(roots)
        if selected != known:
            with self.transaction():
                self.rename(**{SELECTED: json.dumps(sorted(selected))})

    def selected_roots(self) -> set[str]:
        """The roots whose last run had options that select files."""
        return set(json.loads(self.meta().get(SELECTED, "[]")))

    def roots(self) -> dict[str, float | None]:
        """All paths that a user asked to index, each with the end of the last whole run; None if that is unknown."""
        rows = self._db.execute("SELECT path, indexed FROM roots ORDER BY path")
        return {os.fsdecode(path): indexed for path, indexed in rows}

    def mark_indexed(self, roots: Iterable[str]) -> None:
        """Record that a run has just read all files of these roots."""
        rows = [(time.time(), os.fsencode(root)) for root in roots]
        self._db.executemany("UPDATE roots SET indexed = ? WHERE path = ?", rows)

    # Labels

    def label(self, paths: Iterable[str], pairs: Sequence[tuple[str, str]], anew: bool) -> None:
        """Give paths labels as (key, value); a tag has no key. `anew` removes their earlier labels."""
        if pairs or anew:
            self._settled_before = ""  # they belong to all items below
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

    def copies(self, item_id: str, limit: int) -> tuple[list[str], int]:
        """The paths of the first `limit` files that hold an item, in order, and the number of all."""
        (total,) = self._db.execute("SELECT count(*) FROM files WHERE item_id = ?", (item_id,)).fetchone()
        rows = self._db.execute("SELECT path FROM files WHERE item_id = ? ORDER BY path LIMIT ?", (item_id, limit))
        return [os.fsdecode(path) for (path,) in rows], total

    def failures(self, with_unsupported: bool = False) -> Iterator[FileRow]:
        """The files that could not be read, in order of paths."""
        states = "('indexed', 'failed', 'unsupported')" if with_unsupported else "('indexed', 'failed')"
        return self._files(f"WHERE reason IS NOT NULL AND state IN {states} ORDER BY path")

    def failures_within(self, paths: Sequence[str], after: str, limit: int) -> list[FileRow]:
        """Files at and below some paths that could not be read: at most `limit`, in order, after the path `after`.

        Files of unsupported formats are left out.
        """
        within = " OR ".join([WITHIN_TERM] * len(paths))
        query = f"WHERE reason IS NOT NULL AND state IN ('indexed', 'failed') AND path > ? AND ({within})"
        bounds = [bound for path in paths for bound in _within(path)]
        return list(self._files(f"{query} ORDER BY path LIMIT ?", os.fsencode(after), *bounds, limit))

    def failures_after(self, after: str, limit: int, reason: str | None = None) -> list[FileRow]:
        """Files that could not be read, for a reason or for any: at most `limit`, in order, after the path `after`.

        Files of unsupported formats are returned only for that reason.
        """
        of_it, value = ("reason = ?", reason) if reason else ("reason IS NOT NULL AND state != ?", "unsupported")
        return list(self._files(f"WHERE {of_it} AND path > ? ORDER BY path LIMIT ?", value, os.fsencode(after), limit))

    def partly_read(self) -> Iterator[tuple[str, str]]:
        """The indexed files that were read only in part, as (path, note), in order of paths."""
        query = (
            "SELECT files.path, note.value FROM files JOIN items USING (item_id), json_each(items.notes) AS note "
            "WHERE note.value LIKE ? || '%' ORDER BY files.path"
        )
        for path, note in self._db.execute(query, (PARTLY_READ,)):
            yield os.fsdecode(path), note

    def count_partly_read(self, roots: Sequence[str]) -> int:
        """The number of partly read files at and below the roots of a run, among those that its walk found."""
        query = (
            "SELECT DISTINCT files.path FROM items JOIN files USING (item_id), json_each(items.notes) AS note "
            "WHERE items.notes LIKE '%' || ?1 || '%' AND note.value LIKE ?1 || '%' "
            "AND files.path NOT IN (SELECT path FROM absent)"
        )
        paths = (os.fsdecode(path) for (path,) in self._db.execute(query, (PARTLY_READ,)))
        return sum(any(is_within(path, root) for root in roots) for path in paths)

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

    def known(self, root: str, decoder: str, after: bytes = b"") -> Iterator[KnownFile]:
        """The files at and below a root and after a path, in the order of the bytes of their paths."""
        standing = f"CASE WHEN decoder != ? THEN {Standing.OTHER} WHEN reason IS NULL THEN {Standing.INDEXED} "
        standing += f"WHEN state = 'unsupported' THEN {Standing.UNSUPPORTED} ELSE {Standing.OTHER} END"
        query = f"SELECT path, mtime_ns, ctime_ns, size, inode, device, {standing} FROM files"  # noqa: S608
        alone, first, end = _within(root)
        # Two queries, because one with OR would sort all rows before it returns the first.
        itself = self._db.execute(f"{query} WHERE path = ? AND path > ?", (decoder, alone, after))
        below = self._db.execute(
            f"{query} WHERE path > ? AND path < ? ORDER BY path", (decoder, max(first, after), end)
        )
        return chain(itself, below)

    def note_absent(self, paths: Iterable[bytes]) -> None:
        """Note that the walk of this run did not find these known files."""
        self._db.executemany("INSERT OR IGNORE INTO absent VALUES (?)", [(path,) for path in paths])

    def note_absent_root(self, root: str, reached: Sequence[str]) -> None:
        """Note as absent the files at and below a root, but not those at and below the paths that were `reached`."""
        bounds = [bound for place in (root, *reached) for bound in _within(place)]
        query = f"SELECT path FROM files {WITHIN}" + f" AND NOT {WITHIN_TERM}" * len(reached)  # noqa: S608
        self._db.execute(f"INSERT OR IGNORE INTO absent {query}", bounds)

    def note_present(self, path: str) -> None:
        """Note that the walk of this run found a known file after all."""
        self._db.execute("DELETE FROM absent WHERE path = ?", (os.fsencode(path),))

    def note_renewed(self, found: FoundFile, decoder: str) -> None:
        """Note that a known file is unchanged, but that its device, ctime or decoder differs from that recorded."""
        row = (os.fsencode(found.path), found.signature.device, found.signature.ctime_ns, decoder)
        self._db.execute("INSERT OR IGNORE INTO renewed VALUES (?, ?, ?, ?)", row)

    def absent(self, root: str) -> Iterator[FileRow]:
        """The known files at and below `root` that the walk of this run did not find."""
        return self._files(WITHIN + ABSENT, *_within(root))

    def renew(self) -> None:
        """Update the devices, ctimes and decoders of the renewed files, inside a transaction."""
        self._db.execute(
            "UPDATE files SET device = renewed.device, ctime_ns = renewed.ctime_ns, decoder = renewed.decoder "
            "FROM renewed WHERE files.path = renewed.path"
        )

    def indexed(self, place: str) -> int:
        """The number of indexed files at or below a path."""
        return int(self._one(f"SELECT COUNT(item_id) FROM files {WITHIN}", *_within(place)))  # noqa: S608

    def items_within(self, place: str) -> int:
        """The number of items that files at or below a path hold."""
        return int(self._one(f"SELECT COUNT(DISTINCT item_id) FROM files {WITHIN}", *_within(place)))  # noqa: S608

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

    def known_items(self, item_ids: Iterable[str]) -> set[str]:
        """Return which of some items have a row."""
        query = "SELECT item_id FROM items WHERE item_id IN (SELECT value FROM json_each(?))"
        return {item_id for (item_id,) in self._db.execute(query, (json.dumps(list(item_ids)),))}

    def items_without_metadata(self, after: str, limit: int) -> list[ItemRow]:
        """Items whose metadata were never read: at most `limit`, in order of id, after the id `after`."""
        return list(self._items("WHERE metadata IS NULL AND item_id > ? ORDER BY item_id LIMIT ?", after, limit))

    def check_items(self) -> None:
        """Read the row of every item.

        Raises:
            DamageError: a value of a row is damaged.
        """
        deque(self.items(), maxlen=0)

    def check(self) -> None:
        """Read every row of every table.

        Raises:
            DamageError: a value of a row is damaged.
        """
        self.check_items()
        deque(self._files(""), maxlen=0)
        deque(self.labels(), maxlen=0)
        self.meta()
        self.roots()
        self.intents.all()

    def put_items(self, rows: Iterable[ItemRow]) -> None:
        """Write rows by id, inside a transaction."""
        self._db.executemany(
            f"INSERT OR REPLACE INTO items ({ITEM_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            map(_stored, rows),
        )

    def unheld(self, among: Sequence[str] | None = None) -> list[str]:
        """The items that no file holds, of some or of all."""
        if among is not None:
            return [item_id for item_id in among if self.item(item_id) and not self.holders(item_id)]
        query = "SELECT item_id FROM items WHERE item_id NOT IN (SELECT item_id FROM files WHERE item_id IS NOT NULL)"
        return [item_id for (item_id,) in self._db.execute(f"{query} ORDER BY item_id")]

    def held(self, among: Sequence[str] | None = None) -> Iterator[tuple[ItemRow, list[FileRow]]]:
        """The items that files hold, of some or of all, with those files in order of their paths.

        They may be written meanwhile.
        """
        if among is not None:
            pairs = ((self.item(item_id), self.holders(item_id)) for item_id in among)
            yield from ((item, holders) for item, holders in pairs if item is not None and holders)
            return
        after = ""
        while items := list(self._items("WHERE item_id > ? ORDER BY item_id LIMIT ?", after, PAGE)):
            after = items[-1].id
            held = self._files("WHERE item_id >= ? AND item_id <= ? ORDER BY item_id, path", items[0].id, after)
            files = {item_id: list(rows) for item_id, rows in groupby(held, key=lambda row: row.item_id)}
            yield from ((item, files[item.id]) for item in items if item.id in files)

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

    def mark_pages(self, item_ids: Sequence[str]) -> None:
        """Mark items as having pages to read, inside a transaction: the next run reads their files again."""
        self._db.executemany(
            "UPDATE items SET decoder = ? || decoder WHERE item_id = ? AND substr(decoder, 1, 1) NOT IN (?, ?)",
            [(PAGES, item_id, SUSPECT, PAGES) for item_id in item_ids],
        )

    def marked(self) -> list[ItemRow]:
        """The items that are suspect or have pages to read, in order of id."""
        return list(self._items("WHERE substr(decoder, 1, 1) IN (?, ?) ORDER BY item_id", SUSPECT, PAGES))

    def suspects(self) -> list[ItemRow]:
        """The suspect items, in order of id."""
        return list(self._items("WHERE substr(decoder, 1, 1) = ? ORDER BY item_id", SUSPECT))

    def mark_intended_suspect(self) -> None:
        """Mark the known items that have an intent as suspect, inside a transaction."""
        self.mark_suspect([intent.item_id for intent in self.intents.all() if self.item(intent.item_id)])

    def orphans(self) -> list[str]:
        """The paths of files whose item does not exist. Only damage causes such rows."""
        query = "SELECT path FROM files WHERE item_id IS NOT NULL AND item_id NOT IN (SELECT item_id FROM items)"
        return [os.fsdecode(path) for (path,) in self._db.execute(f"{query} ORDER BY path")]

    def drop_orphans(self) -> None:
        """Delete the `orphans`, inside a transaction."""
        self._db.execute("DELETE FROM files WHERE item_id IS NOT NULL AND item_id NOT IN (SELECT item_id FROM items)")

    # Counts

    def segments(self) -> int:
        """Return the number of points that the engine should hold."""
        return int(self._one("SELECT COALESCE(SUM(segments), 0) FROM items"))

    def count_unread(self) -> int:
        """The number of pictures, sounds and videos whose text and speech were never read."""
        from omnisearch_indexer.reading_version import READ

        return int(self._one("SELECT COUNT(*) FROM items WHERE reading = '' AND modality IN (?, ?, ?)", *READ))

    def modalities(self) -> dict[str, tuple[int, int]]:
        """Items and segments by modality."""
        query = "SELECT modality, COUNT(*), SUM(segments) FROM items GROUP BY modality"
        return {modality: (items, segments) for modality, items, segments in self._db.execute(query)}

    def count_metadata(self) -> dict[str, int]:
        """Items by the fields of their metadata, without fields that no item has."""
        query = "SELECT key, COUNT(*) FROM items, json_each(NULLIF(items.metadata, '')) GROUP BY key"
        found = dict(self._db.execute(query))
        return {each.name: found[each.name] for each in fields(Metadata) if each.name in found}

    def reasons(self, place: str = "/") -> dict[str, int]:
        """Files at and below a path that are not indexed, by reason, most frequent first."""
        query = (
            f"SELECT reason, COUNT(*) AS n FROM files {WITHIN} AND reason IS NOT NULL "  # noqa: S608
            "GROUP BY reason ORDER BY n DESC, reason"
        )
        return dict(self._db.execute(query, _within(place)))

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
        query = f"SELECT {ITEM_COLUMNS} FROM items {where}"  # noqa: S608
        rows = self._db.execute(query, values)
        for item_id, modality, segments, decoder, mime, facts, notes, said, read, found, added in rows:
            kind, known, metadata = self._one_of(Modality, modality), tuple(json.loads(notes)), self._metadata(said)
            has, languages = map(tuple, json.loads(found))
            yield ItemRow(item_id, kind, segments, decoder, mime, facts, known, metadata, read, has, languages, added)

    def _metadata(self, text: str | None) -> Metadata | None:
        try:
            return None if text is None else Metadata.from_json(text)
        except (ValueError, TypeError) as error:
            raise damaged(self.path, error) from None

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


def _stored(row: ItemRow) -> tuple[Any, ...]:
    metadata = None if row.metadata is None else row.metadata.as_json()
    stable = (row.id, row.modality, row.segments, row.decoder, row.mime, row.facts_json, json.dumps(row.notes))
    return (*stable, metadata, row.reading, json.dumps([row.has, row.languages]), row.added)


def _name(meta: dict[str, str]) -> "CollectionName":
    from omnisearch.stores.collection_name import CollectionName

    return CollectionName(meta["model"], int(meta["dim"]), meta["fingerprint"])


def _within(place: str) -> tuple[bytes, bytes, bytes]:
    """The parameters of WITHIN for a path."""
    prefix = os.fsencode(place).rstrip(b"/")
    return prefix, prefix + b"/", prefix + b"0"  # '0' follows '/'
