"""API keys: a name, a hash and scopes; and the two formats in which files hold them.

A key has 256 random bits, so a plain SHA-256 is a safe hash of it. The secret itself is shown once and never stored.
"""

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from omnisearch.errors import SettingsError

MIN_SECRET = 32  # characters of a secret that a user chose
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECRET = re.compile(r"[A-Za-z0-9._~+/=-]+")


class Scope(StrEnum):
    """The scopes of keys."""

    SEARCH = "search"  # search, locate, read items and the status
    INDEX = "index"  # change the index
    METRICS = "metrics"  # read /metrics
    ADMIN = "admin"  # everything


@dataclass(frozen=True)
class Key:
    """A key without its secret. `rate` is in requests per second; None means the server's `key_rate`."""

    name: str
    sha256: str
    scopes: frozenset[Scope]
    rate: float | None = None
    created: str = ""

    def allows(self, scope: Scope) -> bool:
        """Return whether the key has a scope; `admin` includes all others."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


# The caller of a server that has no keys.
ANYONE = Key("", "", frozenset(Scope))


def hash_key(secret: str) -> str:
    """Return the hash of a key, which files store."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def to_json(keys: Collection[Key]) -> str:
    """Return keys as JSON for `from_json`."""
    rows = [
        {"name": k.name, "sha256": k.sha256, "scopes": sorted(k.scopes), "rate": k.rate, "created": k.created}
        for k in keys
    ]
    return json.dumps({"keys": rows}, indent=1) + "\n"


def from_json(text: str, source: str) -> tuple[Key, ...]:
    """Parse the JSON of `to_json`.

    Raises:
        SettingsError: the text is malformed; names the `source`.
    """
    try:
        return tuple(map(_from_row, json.loads(text)["keys"]))
    except (ValueError, TypeError, KeyError) as error:
        raise SettingsError(
            f"{source} is not a file of keys ({error!r}): restore it, or delete it and add new keys"
        ) from None


def _from_row(row: dict[str, Any]) -> Key:
    rate = None if row["rate"] is None else float(row["rate"])
    return Key(str(row["name"]), str(row["sha256"]), frozenset(map(Scope, row["scopes"])), rate, str(row["created"]))


def from_lines(text: str, source: str) -> tuple[Key, ...]:
    """Parse `NAME:SCOPE+SCOPE:KEY` lines; blank lines and those that begin with # are skipped.

    Raises:
        SettingsError: an entry is malformed; names the `source` and the entry, but never repeats it.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    return tuple(_from_line(line, f"{source}, entry {number}") for number, line in lines if line and line[0] != "#")


def _from_line(line: str, where: str) -> Key:
    name, _, rest = line.partition(":")
    scopes, _, secret = rest.partition(":")
    if not NAME.fullmatch(name) or not set(scopes.split("+")) <= set(Scope):
        raise SettingsError(f"{where} is not NAME:SCOPE+SCOPE:KEY, with the scopes {', '.join(Scope)}")
    if len(secret) < MIN_SECRET or not _SECRET.fullmatch(secret):
        raise SettingsError(
            f"{where}: the key of {name!r} needs at least {MIN_SECRET} letters, digits or -._~+/=; "
            "make one with `openssl rand -hex 32`"
        )
    return Key(name, hash_key(secret), frozenset(map(Scope, scopes.split("+"))))
