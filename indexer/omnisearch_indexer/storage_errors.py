"""Translate faults of the data directory (disk full, read-only, in use, damaged) into errors that say what to do."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omnisearch.errors import BusyError, DamageError, OmnisearchError, SettingsError, StoreError
from omnisearch.sqlite_errors import error_code, is_damage

FULL = "free disk space or choose another folder with --data-dir"
UNWRITABLE = "make it writable or choose another folder with --data-dir"


@contextmanager
def named_faults(place: Path) -> Iterator[None]:
    """Translate errors of SQLite and the system into an error that names `place` and says what to do.

    Raises:
        SettingsError: it cannot be opened or written.
        BusyError: another process is using it.
        DamageError: it is damaged.
        StoreError: its disk is full or failing.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _of_sqlite(error, place) from error
    except BrokenPipeError:
        raise  # the reader closed our output; the disk is fine
    except OSError as error:
        raise _of_system(error, place) from error


def damaged(place: Path, why: object) -> DamageError:
    """Make the error for a damaged manifest at `place`."""
    return DamageError(f"{place} is damaged ({why}): run `omnisearch repair`")


def _of_system(error: OSError, place: Path) -> OmnisearchError:
    name, what = error.filename or place, os.strerror(error.errno or 0)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(f"{name}: {what}; writing stopped: {FULL}")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return SettingsError(f"{name} cannot be opened or written: {what}; {UNWRITABLE}")
    return StoreError(f"{name}: {what}; earlier writes are safe: check the disk and run again")


def _of_sqlite(error: sqlite3.Error, place: Path) -> OmnisearchError:
    if is_damage(error):
        return damaged(place, error)
    match error_code(error):
        case sqlite3.SQLITE_FULL:
            return StoreError(f"the disk of {place} is full; writing stopped: {FULL}")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return SettingsError(f"{place} cannot be opened or written: {error}; {UNWRITABLE}")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return BusyError(f"another process is using {place} ({error}): wait for it, or stop it")
    return StoreError(f"{place} cannot be used: {error}; check the disk and run again")
