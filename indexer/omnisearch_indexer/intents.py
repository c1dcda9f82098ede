"""Intents: the items whose embeddings or points are being written, so that a crash leaves nothing unaccounted for.

An intent is durable before anything of its item is. It is settled when the item is whole and noted in the manifest, or
when all of it is taken back. An intent that is left by a run that died tells the next run two things: points of the
item may be there and must be deleted, and the embeddings under `keys` may be there and need not be made again.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SCHEMA = """
CREATE TABLE writing (
    item_id TEXT PRIMARY KEY, path BLOB NOT NULL DEFAULT x'', decoder TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE keys (item_id TEXT, key TEXT, PRIMARY KEY (item_id, key)) WITHOUT ROWID;
"""
# From a manifest of schema 2. Its intents name no path, so they are taken back when the next run starts.
UPGRADE = """
ALTER TABLE writing ADD COLUMN path BLOB NOT NULL DEFAULT x'';
ALTER TABLE writing ADD COLUMN decoder TEXT NOT NULL DEFAULT '';
CREATE TABLE keys (item_id TEXT, key TEXT, PRIMARY KEY (item_id, key)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Intent:
    """An item that is being written from the file at `path`, cut by `decoder`."""

    item_id: str
    path: str
    decoder: str


class Intents:
    """The intents of one manifest. Use it from one thread; what changes them runs inside a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __len__(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM writing").fetchone()[0])

    def add(self, intent: Intent, keys: Iterable[str]) -> None:
        """Say that an item's embeddings under `keys`, and maybe its points, are about to be written."""
        row = (intent.item_id, os.fsencode(intent.path), intent.decoder)
        self._db.execute("INSERT OR REPLACE INTO writing VALUES (?, ?, ?)", row)
        self._db.executemany("INSERT OR IGNORE INTO keys VALUES (?, ?)", [(intent.item_id, key) for key in keys])

    def all(self) -> list[Intent]:
        """Every intent, in order of the item's id."""
        rows = self._db.execute("SELECT item_id, path, decoder FROM writing ORDER BY item_id")
        return [Intent(item_id, os.fsdecode(path), decoder) for item_id, path, decoder in rows]

    def find(self, item_id: str) -> Intent | None:
        """The intent of an item."""
        rows = self._db.execute("SELECT path, decoder FROM writing WHERE item_id = ?", (item_id,))
        return next((Intent(item_id, os.fsdecode(path), decoder) for path, decoder in rows), None)

    def keys(self, item_ids: Iterable[str]) -> list[str]:
        """The keys of the embeddings that may have been written of these items."""
        query = "SELECT key FROM keys WHERE item_id = ? ORDER BY key"
        return [key for item_id in item_ids for (key,) in self._db.execute(query, (item_id,))]

    def settle(self, item_ids: Sequence[str]) -> None:
        """Say that these items are whole, or that all of them is taken back."""
        for table in ("writing", "keys"):
            self._db.executemany(f"DELETE FROM {table} WHERE item_id = ?", [(item_id,) for item_id in item_ids])  # noqa: S608
