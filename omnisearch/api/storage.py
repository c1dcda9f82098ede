"""The disk space that a collection and what it shares with others take up."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from omnisearch.api.upload_store import UPLOADS_DIRECTORY, UPLOADS_FILE
from omnisearch.config import COLLECTIONS, Settings
from omnisearch.jobs.roots import UPLOADED_DIRECTORY
from omnisearch.jobs.store import JOBS_FILE
from omnisearch.renditions.kept import FOLDER as PREVIEWS_DIRECTORY
from omnisearch.stores.catalog import DIRECTORY as VECTORS_DIRECTORY
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY

MOST_FILES = 200_000  # counted at most for one answer
KEPT_SECONDS = 10.0

# The names of the parts, with the beginnings of the names of their files and folders.
_OF_INDEX = {"vectors": (VECTORS_DIRECTORY,), "embeddings": (EMBEDDINGS_DIRECTORY,)}
_SHARED = {
    "previews": (PREVIEWS_DIRECTORY,),
    "uploads": (UPLOADS_DIRECTORY, UPLOADS_FILE, UPLOADED_DIRECTORY),
    "jobs": (JOBS_FILE,),
}


@dataclass(frozen=True)
class Storage:
    """Bytes by part, and the bytes that are free; `exact` is false if there are more than MOST_FILES files."""

    parts: Mapping[str, int]
    free: int
    exact: bool


class StorageMeter:
    """Measures the disk space of collections; an answer is kept for KEPT_SECONDS. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._turn = clock, threading.Lock()
        self._kept: dict[str, tuple[float, Storage]] = {}

    def measure(self, settings: Settings) -> Storage:
        """Return the disk space of the collection of the settings."""
        with self._turn:  # one thread measures, others wait for its answer
            measured, kept = self._kept.get(settings.collection, (0.0, None))
            if kept is None or self._clock() - measured >= KEPT_SECONDS:
                kept = measure(settings)
                self._kept[settings.collection] = self._clock(), kept
            return kept


def measure(settings: Settings) -> Storage:
    """Measure the blocks on the disk that a collection takes up: the files of the engine are sparse.

    `other` is what else lies in the folder of the collection, such as its manifest and its map.
    """
    parts = dict.fromkeys((*_OF_INDEX, "other", *_SHARED, "weights"), 0)
    left = MOST_FILES
    for part, place in _entries(settings):
        for path in _files(place):
            if (left := left - 1) < 0:
                return Storage(parts, _free(settings), exact=False)
            parts[part] += _bytes(path)
    return Storage(parts, _free(settings), exact=True)


def _entries(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Yield the files and folders of each part. The weights are last, since others may have many files there."""
    for folder, names in ((settings.index_dir, _OF_INDEX), (settings.data_dir, _SHARED)):
        for path in _listed(folder):
            part = next((part for part, starts in names.items() if _is_of(path.name, starts)), None)
            if part is not None:
                yield part, path
            elif names is _OF_INDEX and not _is_shared(path.name) and path != settings.weights_dir:
                yield "other", path
    yield "weights", settings.weights_dir


def _is_shared(name: str) -> bool:
    return name == COLLECTIONS or any(_is_of(name, starts) for starts in _SHARED.values())


def _is_of(name: str, starts: tuple[str, ...]) -> bool:
    """Return whether a file belongs to a part: by its name, or, beside a database, by the name of that."""
    return any(name == start or name.startswith(f"{start}-") for start in starts)


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _files(place: Path) -> Iterator[Path]:
    yield place
    if not place.is_symlink():
        for folder, folders, files in os.walk(place):  # follows no links; skips what is deleted meanwhile
            yield from (Path(folder, name) for name in (*folders, *files))


def _bytes(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except OSError:
        return 0


def _free(settings: Settings) -> int:
    try:
        return shutil.disk_usage(settings.data_dir).free
    except OSError:
        return 0
