"""Ways to damage a file, as disks, full ones and users do."""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import numpy as np

from omnisearch.config import Settings

PAGE = 4096


def flip(path: Path, count: int = 50, seed: int = 0) -> None:
    """Turn all bits of some bytes that are not zero."""
    data = np.fromfile(path, np.uint8)
    used = np.flatnonzero(data)
    data[np.random.default_rng(seed).choice(used, min(count, len(used)), replace=False)] ^= 0xFF
    data.tofile(path)


def zero(path: Path) -> None:
    """Fill the page that holds most with zeros: the others may hold only what was replaced since."""
    data = np.fromfile(path, np.uint8)
    used = np.bincount(np.flatnonzero(data) // PAGE)
    at = int(used.argmax()) * PAGE
    data[at : at + PAGE] = 0
    data.tofile(path)


def halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


DAMAGES: Mapping[str, Callable[[Path], None]] = {"flip": flip, "zero": zero, "halve": halve, "delete": Path.unlink}


def wait_for_worker(settings: Settings) -> None:
    """Return when no engine has the index open."""
    place = settings.data_dir / "vectors" / "worker.lock"
    if not place.exists():
        return
    with closing(place.open("a")) as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.02)
            else:
                return


def copy_data(source: str, target: str) -> None:
    """Copy a file without its holes, of which the engine's files of 1 to 32 MB mostly consist."""
    with Path(source).open("rb") as read, Path(target).open("wb") as written:
        end, start = os.fstat(read.fileno()).st_size, 0
        written.truncate(end)
        while start < end:
            try:
                start = os.lseek(read.fileno(), start, os.SEEK_DATA)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                return  # only a hole is left
            hole = os.lseek(read.fileno(), start, os.SEEK_HOLE)
            os.lseek(read.fileno(), start, os.SEEK_SET)
            written.seek(start)
            written.write(os.read(read.fileno(), hole - start))
            written.flush()
            start = hole


def copy_index(settings: Settings, place: Path) -> Settings:
    """A copy of an index, which no engine has open."""
    wait_for_worker(settings)
    shutil.copytree(settings.data_dir, place, ignore=shutil.ignore_patterns("*.lock"), copy_function=copy_data)
    return settings.model_copy(update={"data_dir": place})
