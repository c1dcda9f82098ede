"""A small SQLite database, shared by several processes and several threads."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omnisearch.errors import BusyError, DamageError, DiskFullError, SettingsError, StoreError
from omnisearch.sqlite_errors import error_code, is_damage

BUSY_SECONDS = 10.0
_FULL = {sqlite3.SQLITE_FULL}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}


class Database:
    """One connection, used by one thread at a time. Writes in a block of `use` are durable at its end, or undone."""

    def __init__(self, path: Path, schema: str, version: int) -> None:
        """Open the database at `path`; a new one gets the tables of `schema`.

        Raises:
            SettingsError: the file cannot be opened or written.
            StoreError: the file is of another version or damaged, or the disk is full.
        """
        self.path, self._lock = path, threading.Lock()
        with self._named():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            with self._named():
                self._set_up(schema, version)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection and a write transaction until the end of the block.

        Raises:
            DiskFullError: the disk is full.
            BusyError: another process locks the database for too long.
            StoreError: it is damaged or cannot be used.
        """
        with self._lock, self._named():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite itself rolls back after some errors, such as a full disk
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection for reading until the end of the block; raises as `use`."""
        with self._lock, self._named():
            yield self._db

    def _set_up(self, schema: str, version: int) -> None:
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")  # acknowledged writes survive a power cut
        self._db.execute("BEGIN IMMEDIATE")
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        if found == 0:
            for statement in schema.split(";"):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {version}")
        self._db.execute("COMMIT")
        if found not in (0, version):
            raise StoreError(f"{self.path} has schema {found}, this omnisearch reads {version}: install a newer one")

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._error(error) from error
        except OSError as error:
            raise SettingsError(f"{self.path} cannot be written: {error.strerror}; choose another --data-dir") from None

    def _error(self, error: sqlite3.Error) -> StoreError | BusyError | SettingsError:
        code = error_code(error)
        if code in _FULL:
            return DiskFullError(f"the disk of {self.path} is full: free space on it")
        if code in _BUSY:
            return BusyError(f"another process is using {self.path} ({error}): try again in a moment")
        if code in _UNWRITABLE:
            return SettingsError(f"{self.path} cannot be opened or written: {error}; choose another --data-dir")
        if is_damage(error):
            return DamageError(f"{self.path} is damaged ({error}): stop `serve` and `worker`, and delete the file")
        return StoreError(f"{self.path} cannot be used: {error}; check the disk")
