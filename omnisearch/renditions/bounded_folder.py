"""A folder of files that can be made again, bounded in size: the least recently used files are deleted first."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from omnisearch.durable import replace_file

# Files are deleted down to this fraction of the limit, so that the folder is read rarely.
REMAINS = 0.9


class BoundedFolder:
    """Files whose names match `ours`; other files are neither counted nor deleted. Safe to use from several threads.

    The folder is read when the first file is written, and then only when the files written since may exceed `limit`
    bytes. Several processes may use one folder: each may exceed the limit by what it writes between two reads. Files
    are not made durable: readers check that they are whole, so they cost no wait for the disk.
    """

    def __init__(self, path: Path, limit: int, ours: re.Pattern[str]) -> None:
        self._path, self._limit, self._ours = path, limit, ours
        self._held: int | None = None  # bytes; None before the folder was read
        self._lock = threading.Lock()

    def open(self, name: str, is_use: bool = True) -> BinaryIO:
        """Open a file and record its use, unless it is none. It stays readable if it is deleted meanwhile.

        Raises:
            OSError: the file does not exist or cannot be read.
        """
        file = open(self._path / name, "rb", opener=_open)  # noqa: SIM115
        if is_use:
            # Most file systems rarely or never update the time of use. The mtime does not change.
            with suppress(OSError):  # the folder is read-only
                os.utime(file.fileno(), ns=(time.time_ns(), os.fstat(file.fileno()).st_mtime_ns))
        return file

    def write(self, name: str, content: bytes) -> BinaryIO:
        """Write a file, delete others if there are too many bytes, and open it.

        Raises:
            OSError: the file cannot be written.
        """
        with self._lock:
            self._path.mkdir(parents=True, exist_ok=True)
            self._make_room(len(content))
            replace_file(self._path / name, content, durable=False)
            return self.open(name)

    def is_fuller_than(self, share: float) -> bool:
        """Whether the files take up more than a share of the limit."""
        with self._lock:
            if self._held is None:
                try:
                    self._held = sum(size for _, size, _ in self._files())
                except OSError:  # it does not exist yet, or is no folder
                    return False
            return self._held > share * self._limit

    def delete(self, is_wanted: Callable[[str], bool]) -> None:
        """Delete the files with a name that `is_wanted` accepts, as far as that is possible."""
        with self._lock, suppress(OSError):
            for _, size, path in self._files():
                if is_wanted(Path(path).name):
                    with suppress(OSError):
                        Path(path).unlink()
                        self._held = None if self._held is None else self._held - size

    def _make_room(self, size: int) -> None:
        if self._held is None or self._held + size > self._limit:
            files = sorted(self._files())
            self._held = sum(held for _, held, _ in files)
            if self._held + size > self._limit:
                self._delete(files, int(self._limit * REMAINS) - size)
        self._held += size

    def _delete(self, files: list[tuple[int, int, str]], rest: int) -> None:
        assert self._held is not None
        for _, size, path in files:
            if self._held <= rest:
                break
            with suppress(OSError):  # another process deleted it, or it may not be deleted
                Path(path).unlink()
                self._held -= size

    def _files(self) -> Iterator[tuple[int, int, str]]:
        """Yield the time of the last use, the size and the path of each file."""
        with os.scandir(self._path) as entries:
            for entry in entries:
                with suppress(OSError):  # it was deleted meanwhile
                    if self._ours.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                        found = entry.stat(follow_symlinks=False)
                        yield found.st_atime_ns, found.st_size, entry.path


def _open(name: str, flags: int) -> int:
    """Open a file without following links or waiting for pipes, which others may put into the folder."""
    return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
