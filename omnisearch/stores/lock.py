"""The locks of a data directory: one process writes at a time, and it pauses while a snapshot is taken.

lock         held by the process that writes the index, to its end
write.lock   held while the parts of the index may differ: by that process, except in its pauses; and by a snapshot
pause.lock   held by a snapshot from the moment it waits, so that the writing process knows
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from omnisearch.errors import BusyError, SettingsError

LOCK_FILE, WRITE_FILE, PAUSE_FILE = "lock", "write.lock", "pause.lock"
# A run pauses after each file or batch; other commands, such as a repair, do not pause.
PATIENCE_SECONDS = 120.0


class IndexLock:
    """The lock of a data directory, as its holder has it."""

    def __init__(self, write: int, pause: int) -> None:
        self._write, self._pause = write, pause

    def pause(self) -> None:
        """Let a snapshot that waits copy the index, and return when it is done. Call it when the parts agree."""
        if _take(self._pause, fcntl.LOCK_SH | fcntl.LOCK_NB):
            fcntl.flock(self._pause, fcntl.LOCK_UN)
            return
        fcntl.flock(self._write, fcntl.LOCK_UN)
        fcntl.flock(self._pause, fcntl.LOCK_SH)  # until the snapshot ends
        fcntl.flock(self._pause, fcntl.LOCK_UN)
        fcntl.flock(self._write, fcntl.LOCK_EX)


@contextmanager
def hold_lock(data_dir: Path) -> Iterator[IndexLock]:
    """Lock the data directory until the end of the block. The system releases the lock if the process dies.

    Raises:
        BusyError: another process has the lock; the message has its id.
        SettingsError: the directory cannot be written.
    """
    with _opened(data_dir) as (lock, write, pause):
        # A lock on a file that was removed meanwhile excludes no other process: see `remove_locks`.
        if not _take(lock, fcntl.LOCK_EX | fcntl.LOCK_NB) or not os.fstat(lock).st_nlink:
            raise BusyError(f"{data_dir} is being indexed by process {_owner(lock)}: wait for it, or stop it")
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        fcntl.flock(write, fcntl.LOCK_EX)
        yield IndexLock(write, pause)


def remove_locks(data_dir: Path) -> None:
    """Remove the lock files of a data directory without an index. The caller has the lock, and keeps it."""
    for name in (LOCK_FILE, WRITE_FILE, PAUSE_FILE):
        (data_dir / name).unlink(missing_ok=True)


@contextmanager
def pause_index(data_dir: Path) -> Iterator[None]:
    """Keep the index as it is until the end of the block; a process that indexes pauses.

    Raises:
        BusyError: another process writes and does not pause.
        SettingsError: the directory cannot be written.
    """
    with _opened(data_dir) as (lock, write, pause):
        deadline = time.monotonic() + PATIENCE_SECONDS
        for needed in (pause, write):  # `pause` is held by another snapshot
            while not _take(needed, fcntl.LOCK_EX | fcntl.LOCK_NB):
                if time.monotonic() > deadline:
                    raise BusyError(
                        f"process {_owner(lock)} has been writing to {data_dir} for {PATIENCE_SECONDS:.0f} s without a "
                        f"pause: wait for its end and try again"
                    )
                time.sleep(0.01)
        yield


@contextmanager
def _opened(data_dir: Path) -> Iterator[list[int]]:
    """Open the three files, and close them, which releases their locks."""
    with ExitStack() as stack:
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            found = []
            for name in (LOCK_FILE, WRITE_FILE, PAUSE_FILE):
                found.append(os.open(data_dir / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                stack.callback(os.close, found[-1])
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise SettingsError(f"cannot write in {data_dir}: {why}; choose another folder with --data-dir") from None
        yield found


def _take(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        return False
    return True


def _owner(lock: int) -> str:
    return os.pread(lock, 20, 0).decode().strip() or "unknown"
