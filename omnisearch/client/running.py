"""The server of a data directory on this machine: `serve` writes where it listens, and commands find it.

The file holds a secret for its owner, so nobody else may read it. The server locks it for as long as it runs, so a file
that a killed server left behind is never taken for one.
"""

import fcntl
import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from omnisearch import __version__
from omnisearch.config import Settings

FILE = "server.json"
# The settings on which answers depend. The collection is none of them: a server answers for all of its data directory.
ANSWERING = {
    "model", "weights_dir", "store", "device", "precision", "towers", "share", "license",
    "segment_seconds", "segment_overlap", "passage_characters", "passage_overlap",
}  # fmt: skip
TRIES, PAUSE_SECONDS = 20, 0.02  # a command that looks whether a server runs holds the lock for a moment


@dataclass(frozen=True)
class Server:
    """Where a server is, the key that it is sent, and the collection that is asked; its default one if None."""

    url: str
    key: str | None
    collection: str | None = None


def digest(settings: Settings) -> str:
    """Name the settings on which answers depend; equal for two processes that would answer alike."""
    shown = settings.model_dump(mode="json", include=ANSWERING)
    if os.path.isdir(settings.model):  # noqa: PTH112 - a name is no path
        shown["model"] = str(Path(settings.model).absolute())
    return hashlib.sha256(json.dumps([__version__, shown], sort_keys=True).encode()).hexdigest()


@contextmanager
def announced(settings: Settings, url: str, secret: str) -> Iterator[None]:
    """Let commands find the server at `url` while the body runs; they send `secret` as their key.

    Does nothing where the data directory cannot be written, or another server of it was announced before.
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
    """Return the server of the data directory if it runs, is this user's, and would answer as these settings do."""
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
            if os.path.samestat(os.fstat(fd), path.lstat()):  # not one that another server is just deleting
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
