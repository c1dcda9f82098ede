"""Classify errors of SQLite."""

import sqlite3

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_EXTENDED_DAMAGE = {sqlite3.SQLITE_IOERR_SHORT_READ}


def error_code(error: sqlite3.Error) -> int:
    """Return the primary result code, such as SQLITE_BUSY; SQLITE_ERROR if the module gives none."""
    return _extended(error) & 0xFF


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the database is damaged, and not locked or impossible to open."""
    return error_code(error) in _DAMAGE or _extended(error) in _EXTENDED_DAMAGE


def _extended(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", None) or sqlite3.SQLITE_ERROR
