"""The keys that a server accepts, and whether requests need a key."""

import hmac
from collections.abc import Callable
from pathlib import Path

from omnisearch.api.key_file import FILE, read_keys
from omnisearch.api.keys import Key, Scope, from_json, from_lines, hash_key
from omnisearch.config import Settings
from omnisearch.errors import SettingsError


class AcceptedKeys:
    """The keys that a server accepts: those of the data directory, of `api_keys` and of `api_keys_file`.

    Both files are read again when they change, so changes take effect at once.
    """

    def __init__(self, settings: Settings, own: str | None = None) -> None:
        """Read the keys. `own` is the secret of commands on this machine, which may search; it is no configured key.

        Raises:
            SettingsError: the keys cannot be read.
        """
        given = settings.api_keys.reveal() if settings.api_keys else ""
        self._fixed = from_lines(given.replace(",", "\n"), "api_keys")
        self._files = [_FollowedFile(settings.data_dir / FILE, from_json, required=False)]
        if settings.api_keys_file is not None:
            self._files.append(_FollowedFile(settings.api_keys_file, from_lines, required=True))
        self._own = () if own is None else (Key("local", hash_key(own), frozenset({Scope.SEARCH})),)
        self._configured = bool(self._fixed)
        self.all()

    def all(self) -> tuple[Key, ...]:
        """Return every accepted key.

        Raises:
            SettingsError: a file of keys cannot be read.
        """
        keys = (*self._fixed, *(key for file in self._files for key in file.read()))
        self._configured = self._configured or bool(keys) or any(file.exists for file in self._files)
        return keys

    @property
    def open(self) -> bool:
        """True if requests need no key: no key was configured since the start, even one that was revoked later."""
        return not self._configured

    def find(self, secret: str) -> Key | None:
        """Return the key with that secret. Every key is compared, each in constant time.

        Raises:
            SettingsError: a file of keys cannot be read.
        """
        wanted, found = hash_key(secret), None
        for key in (*self._own, *self.all()):
            if hmac.compare_digest(key.sha256, wanted):
                found = key
        return found


class _FollowedFile:
    """A file of keys, read again when it changes."""

    def __init__(self, path: Path, parse: Callable[[str, str], tuple[Key, ...]], required: bool) -> None:
        self._path, self._parse, self._required = path, parse, required
        self._seen: tuple[int, ...] | None = None
        self._keys: tuple[Key, ...] = ()
        self.exists = False

    def read(self) -> tuple[Key, ...]:
        """Return the keys in the file as it is now."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            if self._required:
                raise SettingsError(
                    f"the file of keys {self._path} does not exist: make it, or unset api_keys_file"
                ) from None
            self.exists, self._seen, self._keys = False, None, ()
            return ()
        except OSError as error:
            raise SettingsError(f"the file of keys {self._path} cannot be read: {error.strerror}") from None
        seen = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if seen != self._seen:
            self._keys, self._seen, self.exists = read_keys(self._path, self._parse), seen, True
        return self._keys
