"""Making what was written survive a power cut, and telling when it did not."""

import os
import sqlite3
from pathlib import Path

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_SHORT_READ}


def is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite says that a database is damaged, not that it is locked or cannot be opened."""
    return getattr(error, "sqlite_errorcode", None) in _DAMAGE


def sync(path: Path) -> None:
    """Make a file's bytes, or the names in a directory, durable: a rename is not, until its directory is."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, text: str, mode: int = 0o666) -> None:
    """Put `text` in the place of the file at `path`: readers see the old or the new, never a part.

    `mode` are the permissions of the new file, less those of the umask.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with open(aside, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, mode)) as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    aside.replace(path)
    sync(path.parent)
