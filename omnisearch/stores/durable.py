"""Make written data survive a power cut, and detect damage."""

import os
import sqlite3
from pathlib import Path

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_SHORT_READ}


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error of SQLite means that the database is damaged, and not locked or impossible to open."""
    return getattr(error, "sqlite_errorcode", None) in _DAMAGE


def sync(path: Path) -> None:
    """Make a file's bytes, or the names in a directory, durable: a rename is not, until its directory is."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, text: str, mode: int = 0o666) -> None:
    """Replace the file at `path` by `text` atomically: readers see the old or the new text, never a part.

    `mode` are the permissions of the new file, less those of the umask.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with open(aside, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, mode)) as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    aside.replace(path)
    sync(path.parent)
