"""Copies of SQLite files, also of those that another process writes; and checks of copies that others made."""

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path


def copy_database(db: sqlite3.Connection, path: Path) -> None:
    """Write the content of a database after its last transaction to one file at `path`, without a write-ahead log."""
    with closing(sqlite3.connect(path)) as copy:
        db.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def find_foreign(path: Path, known: Collection[str]) -> str:
    """Return the name of an object of a database that is no table or index of `known` names; empty if there is none.

    Triggers and views hold code that SQLite would run when the database is used.

    Raises:
        sqlite3.Error: it is no database, or damaged.
    """
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        db.execute("PRAGMA trusted_schema = OFF")
        for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_schema"):
            is_plain = kind in ("table", "index") and "virtual" not in str(sql).casefold().split("(")[0]
            if not is_plain or (name not in known and not str(name).startswith("sqlite_autoindex_")):
                return f"{kind} {name}"
    return ""
