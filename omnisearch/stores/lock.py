"""The lock of a data directory: one indexer at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omnisearch.errors import BusyError, SettingsError

LOCK_FILE = "lock"


@contextmanager
def hold_lock(data_dir: Path) -> Iterator[None]:
    """Lock the data directory until the end of the block. The system releases the lock if the process dies.

    Raises:
        BusyError: another process has the lock; the message has its id.
        SettingsError: the directory cannot be written.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        fd = os.open(data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise SettingsError(f"cannot write in {data_dir}: {why}; choose another folder with --data-dir") from None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(fd, 20, 0).decode().strip() or "unknown"
            raise BusyError(f"{data_dir} is being indexed by process {owner}: wait for it, or stop it") from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(fd)
