"""The file of keys in the data directory, which `omnisearch keys` edits."""

import fcntl
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from omnisearch.api.keys import NAME, Key, Scope, from_json, hash_key, to_json
from omnisearch.durable import replace_file
from omnisearch.errors import NotFoundError, SettingsError, UsageError

FILE = "keys.json"
PREFIX = "omni_"


class KeyFile:
    """The keys that `omnisearch keys` makes, as JSON in the data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FILE

    def read(self) -> tuple[Key, ...]:
        """Return the keys; none if there is no file.

        Raises:
            SettingsError: the file cannot be read.
        """
        return read_keys(self.path, from_json) if self.path.exists() else ()

    def add(self, name: str, scopes: Collection[Scope], rate: float | None = None) -> str:
        """Make a key and return its secret.

        Raises:
            UsageError: the name is malformed or taken.
        """
        secret = PREFIX + secrets.token_urlsafe(32)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        key = Key(_checked_name(name), hash_key(secret), frozenset(scopes), rate, now)
        with self._locked():
            keys = self.read()
            if name in {each.name for each in keys}:
                raise UsageError(
                    f"there is already a key named {name!r}: choose another name, or revoke that key first"
                )
            self._write((*keys, key))
        return secret

    def revoke(self, name: str) -> None:
        """Remove a key. Running servers refuse it from their next request on.

        Raises:
            NotFoundError: there is no key of that name in the file.
        """
        with self._locked():
            keys = self.read()
            left = tuple(key for key in keys if key.name != name)
            if len(left) == len(keys):
                raise NotFoundError(f"there is no key named {name!r} in {self.path}: see `omnisearch keys ls`")
            self._write(left)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_name(".keys.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, keys: Collection[Key]) -> None:
        replace_file(self.path, to_json(keys), mode=0o600)


def read_keys(path: Path, parse: Callable[[str, str], tuple[Key, ...]]) -> tuple[Key, ...]:
    """Return the keys in a file.

    Raises:
        SettingsError: the file cannot be read.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the file of keys {path} cannot be read: {error}") from None


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} is not a name for a key: use 1 to 64 letters, digits, dots, hyphens or underscores")
    return name
