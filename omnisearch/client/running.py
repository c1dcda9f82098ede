"""The server of a data directory on this machine: `serve` writes its address to a file, and commands read it.

The file has a secret, so only its owner can read it. The server locks it while it runs, so the file of a killed server
is ignored.
"""

import fcntl
import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from omnisearch import __version__
from omnisearch.config import Settings, TowerSettings

FILE = "server.json"
# The settings on which answers depend. The collection is not one: a server has all collections of its data directory.
ANSWERING = {
    "model", "weights_dir", "store", "device", "precision", "towers", "share", "license",
    "segment_seconds", "segment_overlap", "passage_characters", "passage_overlap",
}  # fmt: skip
TRIES, PAUSE_SECONDS = 20, 0.02  # a command that checks for a server holds the lock briefly


@dataclass(frozen=True)
class Server:
    """The address of a server, the key, and the collection; None is the server's default collection."""

    url: str
    key: str | None
    collection: str | None = None


def digest(settings: Settings) -> str:
    """Return a hash of the settings on which answers depend."""
    shown = {name: getattr(settings, name) for name in ANSWERING}
    if os.path.isdir(settings.model):  # noqa: PTH112 - a name is no path
        shown["model"] = str(Path(settings.model).absolute())
    said = json.dumps([__version__, shown], sort_keys=True, default=_as_json)
    return hashlib.sha256(said.encode()).hexdigest()


def _as_json(value: object) -> object:
    # The other values that JSON does not have are paths.
    return asdict(value) if isinstance(value, TowerSettings) else str(value)


@contextmanager
def announced(settings: Settings, url: str, secret: str) -> Iterator[None]:
    """Announce the server at `url` to commands while the body runs. They send `secret` as their key.

    Does nothing if the data directory cannot be written, or another server has been announced.
    """
    path = settings.data_dir / FILE
    fd = _locked(path)
    if fd is None:
        yield
        return
    try:
        os.ftruncate(fd, 0)
        about = {"url": url, "secret": secret, "settings": digest(settings), "pid": os.getpid()}
        os.pwrite(fd, json.dumps(about).encode(), 0)
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(fd)


def find_server(settings: Settings) -> Server | None:
    """Return the running server of the data directory if it is of this user and has the same settings; else None."""
    try:
        fd = os.open(settings.data_dir / FILE, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        if not _is_own(fd) or not _is_locked(fd):
            return None
        about = json.loads(os.read(fd, 1 << 16))
        if about["settings"] != digest(settings):
            return None
        return Server(str(about["url"]), str(about["secret"]), settings.collection)
    except (OSError, ValueError, KeyError, TypeError):  # half written
        return None
    finally:
        os.close(fd)


def _locked(path: Path) -> int | None:
    """Open and lock the file; None if that cannot be done."""
    for _ in range(TRIES):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.fchmod(fd, 0o600)
            if os.path.samestat(os.fstat(fd), path.lstat()):  # not a file that another server is deleting
                return fd
        except OSError:
            pass
        os.close(fd)
        time.sleep(PAUSE_SECONDS)
    return None


def _is_own(fd: int) -> bool:
    status = os.fstat(fd)
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _is_locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
