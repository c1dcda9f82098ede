"""Known files that a run did not meet: deleted, or out of reach because their file system is not mounted.

A file counts as deleted where its folder, or the deepest folder above that still stands, lies on the file system that
the file was met on. Device numbers may change when a file system is mounted again, so the known files that were met
tell which recorded number is which of today's.
"""

import os
import stat
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import PurePath

from omnisearch.paths import show_path
from omnisearch.stores.kept_places import KeptPlace
from omnisearch_indexer.manifest import FileRow
from omnisearch_indexer.walk import Signature

UNMOUNTED = "the file system that held its files is not mounted there"
UNKNOWN = -1  # the device of a folder that cannot be looked at


class Volumes:
    """The file systems of this run, and the device numbers that the manifest knows them by."""

    def __init__(self) -> None:
        self._standing: dict[str, tuple[str, int]] = {}
        self._recorded: dict[int, set[int]] = defaultdict(set)

    def meet(self, path: str, recorded: Signature) -> None:
        """Note that a known file lies where it was, unchanged."""
        _, device = self.standing(os.path.dirname(path))  # noqa: PTH120 - for every file of the collection
        self._recorded[device].add(recorded.device)

    def holds(self, row: FileRow) -> bool:
        """Whether the place of a file is on the file system that the file was met on."""
        _, device = self.standing(str(PurePath(row.path).parent))
        # The device of a file that never could be looked at is 0.
        return row.signature.device in (0, *self._recorded.get(device, (device,)))

    def standing(self, folder: str) -> tuple[str, int]:
        """Return the deepest folder that exists of `folder` and those above it, and its device. Links are not followed.

        Folders are looked at once.
        """
        above: list[str] = []
        while folder not in self._standing and folder != "/":
            above.append(folder)
            folder = os.path.dirname(folder)  # noqa: PTH120
        found = self._standing.get(folder) or ("/", os.lstat("/").st_dev)
        for below in reversed(above):
            if found[0] == folder and found[1] != UNKNOWN:
                found = _look(below) or found
            self._standing[below] = found
            folder = below
        return found


def sort_absent(
    rows: Iterable[FileRow], root: str, is_empty: bool, volumes: Volumes
) -> tuple[list[FileRow], list[KeptPlace]]:
    """Part the known files of a root that were not met into those that are deleted, and the places of the others.

    A root where nothing at all was met keeps everything: that is how an unmounted folder looks.
    """
    gone: list[FileRow] = []
    kept: Counter[tuple[str, str]] = Counter()
    for row in rows:
        indexed = int(row.item_id is not None)
        if is_empty:
            kept[root, "it holds no files now"] += indexed
        elif volumes.holds(row):
            gone.append(row)
        else:
            kept[volumes.standing(str(PurePath(row.path).parent))[0], UNMOUNTED] += indexed
    return gone, [KeptPlace(show_path(path), files, why) for (path, why), files in sorted(kept.items()) if files]


def _look(folder: str) -> tuple[str, int] | None:
    try:
        status = os.lstat(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return folder, UNKNOWN
    return (folder, status.st_dev) if stat.S_ISDIR(status.st_mode) else None
