"""The tables of the manifest, and the migrations from older versions."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from omnisearch.errors import NoIndexError, StoreError
from omnisearch.sqlite_errors import is_damage
from omnisearch_indexer import intents
from omnisearch_indexer.storage_errors import damaged

VERSION = 6

# `items.told` are the facts that the engine was told of an item (`ItemRow.facts_json`), and `items.found` sums up the
# texts that were found in it, as JSON: what it has, and their languages (`ItemRow.has` and `ItemRow.languages`).
SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE roots (path BLOB PRIMARY KEY, indexed REAL) WITHOUT ROWID;
CREATE TABLE items (
    item_id TEXT PRIMARY KEY, modality TEXT NOT NULL, segments INTEGER NOT NULL, decoder TEXT NOT NULL,
    mime TEXT NOT NULL, told TEXT NOT NULL, notes TEXT NOT NULL, metadata TEXT, reading TEXT NOT NULL,
    found TEXT NOT NULL, added REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE files (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
    device INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, state TEXT NOT NULL, item_id TEXT REFERENCES items, reason TEXT,
    detail TEXT NOT NULL, attempts INTEGER NOT NULL, decoder TEXT NOT NULL,
    CHECK ((state = 'indexed') = (item_id IS NOT NULL)), CHECK (item_id IS NOT NULL OR reason IS NOT NULL)
) WITHOUT ROWID;
CREATE INDEX files_by_item ON files (item_id, path) WHERE item_id IS NOT NULL;
CREATE TABLE labels (path BLOB, key TEXT, value TEXT, PRIMARY KEY (path, key, value)) WITHOUT ROWID;
{intents.SCHEMA}"""
# Each entry migrates the previous version to its key. The column `told` starts empty, so the next run writes the
# facts of every item to the engine. A ctime of 0 means that none was recorded; metadata of NULL, that the file was read
# without them. An item without a time of adding takes that of the last change of its file.
MIGRATIONS = {
    2: """
ALTER TABLE items DROP COLUMN path;
ALTER TABLE items ADD COLUMN mime TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN told TEXT NOT NULL DEFAULT '';
CREATE TABLE labels (path BLOB, key TEXT, value TEXT, PRIMARY KEY (path, key, value)) WITHOUT ROWID;
""",
    3: intents.UPGRADE
    + """
ALTER TABLE items ADD COLUMN notes TEXT NOT NULL DEFAULT '[]';
ALTER TABLE files RENAME TO files_before;
DROP INDEX IF EXISTS files_by_item;
CREATE TABLE files (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
    device INTEGER NOT NULL, ctime_ns INTEGER NOT NULL, state TEXT NOT NULL, item_id TEXT REFERENCES items, reason TEXT,
    detail TEXT NOT NULL, attempts INTEGER NOT NULL, decoder TEXT NOT NULL,
    CHECK ((state = 'indexed') = (item_id IS NOT NULL)), CHECK (item_id IS NOT NULL OR reason IS NOT NULL)
) WITHOUT ROWID;
INSERT INTO files SELECT
    path, size, mtime_ns, inode, device, 0, state, item_id, reason, detail, attempts, decoder FROM files_before;
DROP TABLE files_before;
CREATE INDEX files_by_item ON files (item_id, path) WHERE item_id IS NOT NULL;
""",
    4: """
ALTER TABLE items ADD COLUMN metadata TEXT;
ALTER TABLE items ADD COLUMN reading TEXT NOT NULL DEFAULT '';
""",
    5: """
ALTER TABLE items ADD COLUMN found TEXT NOT NULL DEFAULT '[[], []]';
""",
    6: """
ALTER TABLE roots ADD COLUMN indexed REAL;
ALTER TABLE items ADD COLUMN added REAL NOT NULL DEFAULT 0;
UPDATE items SET added = COALESCE(
    (SELECT MAX(mtime_ns) / 1000000000 FROM files WHERE files.item_id = items.item_id), 0);
""",
}
# The known files that the walk of a run did not find, and the unchanged ones that need another row.
ABSENT = "CREATE TEMP TABLE absent (path BLOB PRIMARY KEY) WITHOUT ROWID"
# The items whose facts may have changed since the manifest was opened or settled, noted by triggers.
TOUCHED = """
CREATE TEMP TABLE touched (item_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TEMP TRIGGER put_file BEFORE INSERT ON main.files BEGIN
    INSERT OR IGNORE INTO touched SELECT item_id FROM files WHERE path = new.path AND item_id IS NOT NULL;
    INSERT OR IGNORE INTO touched SELECT new.item_id WHERE new.item_id IS NOT NULL;
END;
CREATE TEMP TRIGGER set_file AFTER UPDATE OF path, size, mtime_ns, item_id ON main.files BEGIN
    INSERT OR IGNORE INTO touched SELECT old.item_id WHERE old.item_id IS NOT NULL;
    INSERT OR IGNORE INTO touched SELECT new.item_id WHERE new.item_id IS NOT NULL;
END;
CREATE TEMP TRIGGER drop_file AFTER DELETE ON main.files WHEN old.item_id IS NOT NULL BEGIN
    INSERT OR IGNORE INTO touched VALUES (old.item_id);
END;
CREATE TEMP TRIGGER put_item AFTER INSERT ON main.items BEGIN INSERT OR IGNORE INTO touched VALUES (new.item_id); END;
CREATE TEMP TRIGGER set_item AFTER UPDATE ON main.items BEGIN INSERT OR IGNORE INTO touched VALUES (new.item_id); END;
"""
RENEWED = "CREATE TEMP TABLE renewed (path BLOB PRIMARY KEY, device INTEGER, ctime_ns INTEGER, decoder TEXT)"
# The tables and indexes of every version.
OBJECTS = frozenset({"meta", "roots", "items", "files", "files_by_item", "labels", "writing", "keys"})


class _Checked(sqlite3.Connection):
    """A connection to the manifest at `path`. Raises DamageError if a query finds damage.

    `is_migrated_copy`: the file has the tables of an older version, and this is a migrated copy in memory.
    """

    path: Path
    is_migrated_copy = False

    def execute(self, *query: Any) -> sqlite3.Cursor:
        try:
            return super().execute(*query)
        except UnicodeDecodeError as error:  # a name of a column, or the message of an error, that holds damage
            raise damaged(self.path, error) from None
        except sqlite3.Error as error:
            raise (damaged(self.path, error) if is_damage(error) else error) from None

    def executemany(self, *query: Any) -> sqlite3.Cursor:
        try:
            return super().executemany(*query)
        except sqlite3.Error as error:
            raise (damaged(self.path, error) if is_damage(error) else error) from None

    def text(self, data: bytes) -> str:
        """Decode a value as UTF-8; raises DamageError if it is not."""
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise damaged(self.path, error) from None


def open_manifest_database(path: Path, create: bool, checked: bool = False) -> _Checked:
    """Open a manifest with the current tables: for reading and writing if `create`, else for reading.

    If it was not `checked` before, every page is read, which takes a second for some million files.

    Raises:
        NoIndexError: it has no tables yet and `create` is False.
        DamageError: it is damaged; later queries raise it too.
        StoreError: it was written by a newer version.
        sqlite3.Error: SQLite or the disk failed.
    """
    db = _open_for_writing(path) if create else _open_for_reading(path)
    try:
        _check(db, path, create, checked)
        db = _migrate(db, path, create)
        db.execute(ABSENT)
        db.execute(RENEWED)
        if create:
            db.executescript(TOUCHED)
    except BaseException:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection, path: Path, create: bool, checked: bool) -> None:
    if not checked and (found := db.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
        raise damaged(path, found)
    version = _version(db)
    if version > VERSION:
        raise StoreError(f"{path} has schema {version}, this omnisearch reads {VERSION}: install a newer omnisearch")
    if version == 0 and not create:
        raise NoIndexError(f"nothing was indexed in {path.parent} yet: run `omnisearch index PATH`")


def _migrate(db: _Checked, path: Path, create: bool) -> _Checked:
    """Migrate the tables to VERSION; a manifest opened for reading is migrated as a copy in memory."""
    version = _version(db)
    if version == 0:
        db.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        return db
    if version < VERSION and not create:
        copy = _connect(path, ":memory:")
        with closing(db):
            db.backup(copy)
        copy.is_migrated_copy = True
        db = copy
    for step in range(version + 1, VERSION + 1):
        db.executescript(f"BEGIN; {MIGRATIONS[step]} PRAGMA user_version = {step}; COMMIT;")
    return db


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _open_for_writing(path: Path) -> _Checked:
    db = _connect(path, f"{path.absolute().as_uri()}?mode=rwc")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    return db


def _open_for_reading(path: Path) -> _Checked:
    # SQLite cannot create the index of the write-ahead log in a read-only folder; without a log it needs none.
    log = path.with_name(f"{path.name}-wal")
    alone = not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    uri = f"{path.absolute().as_uri()}?mode=ro" + ("&immutable=1" if alone else "")
    return _connect(path, uri)


def _connect(path: Path, uri: str) -> _Checked:
    db = sqlite3.connect(uri, uri=True, isolation_level=None, factory=_Checked)
    db.path, db.text_factory = path, db.text
    return db
