"""Errors of SQLite: what counts as damage, in primary and in extended codes."""

import sqlite3

import pytest

from omnisearch.sqlite_errors import error_code, is_damage


def made(code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError("refused")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    "code",
    [sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CORRUPT_INDEX, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_SHORT_READ],
)
def test_damage_is_told_from_its_code(code: int) -> None:
    assert is_damage(made(code))


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR_READ])
def test_other_errors_are_no_damage(code: int) -> None:
    assert not is_damage(made(code))
    assert not is_damage(sqlite3.InterfaceError("no code"))


def test_an_extended_code_has_a_primary_one() -> None:
    assert error_code(made(sqlite3.SQLITE_BUSY_SNAPSHOT)) == sqlite3.SQLITE_BUSY
    assert error_code(sqlite3.InterfaceError("no code")) == sqlite3.SQLITE_ERROR
