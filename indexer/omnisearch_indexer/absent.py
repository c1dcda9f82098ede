"""Tell deleted files from files whose file system is not mounted.

A known file that the walk did not find counts as deleted if the deepest existing folder of its path is on the file
system that held the file when it was indexed. Device numbers may change when a file system is mounted again: the known
files that the walk found unchanged map each current number to the recorded ones.
"""

import os
import stat
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from omnisearch.paths import is_within, show_path
from omnisearch.stores.absent_folders import AbsentFolder, read_absent_folders, write_absent_folders
from omnisearch_indexer.manifest_rows import FileRow

UNMOUNTED = "the file system that held its files is not mounted there"
UNKNOWN = -1  # the device of a folder on which `stat` fails


class FileSystems:
    """Map the device numbers of this run to those recorded in the manifest."""

    def __init__(self) -> None:
        self._deepest: dict[str, tuple[str, int]] = {}
        self._recorded: dict[int, set[int]] = defaultdict(set)

    def note_unchanged(self, path: str, recorded: int) -> None:
        """Note that a known file was found unchanged; its current device stands for the recorded one."""
        _, device = self.deepest_folder(os.path.dirname(path))  # noqa: PTH120 - for every folder of the collection
        self._recorded[device].add(recorded)

    def holds(self, row: FileRow) -> bool:
        """Whether the path of a file is on the file system that held the file when it was indexed."""
        _, device = self.deepest_folder(str(PurePath(row.path).parent))
        # Device 0: `stat` never succeeded on this file.
        return row.signature.device in (0, *self._recorded.get(device, (device,)))

    def deepest_folder(self, folder: str) -> tuple[str, int]:
        """Return the deepest existing folder among `folder` and its parents, and its device. Links are not followed.

        The results are cached.
        """
        above: list[str] = []
        while folder not in self._deepest and folder != "/":
            above.append(folder)
            folder = os.path.dirname(folder)  # noqa: PTH120
        found = self._deepest.get(folder) or ("/", os.lstat("/").st_dev)
        for below in reversed(above):
            if found[0] == folder and found[1] != UNKNOWN:
                found = _look(below) or found
            self._deepest[below] = found
            folder = below
        return found


def split_absent(
    rows: Iterable[FileRow], root: str, is_empty: bool, file_systems: FileSystems
) -> tuple[list[FileRow], list[AbsentFolder]]:
    """Split the known files of a root that the walk did not find into deleted files and absent folders.

    The files of absent folders stay in the index. If the walk found nothing in the root, that is all of its files,
    because an unmounted folder looks empty.
    """
    deleted: list[FileRow] = []
    kept: Counter[tuple[str, str]] = Counter()
    for row in rows:
        indexed = int(row.item_id is not None)
        if is_empty:
            kept[root, "it holds no files now"] += indexed
        elif file_systems.holds(row):
            deleted.append(row)
        else:
            kept[file_systems.deepest_folder(str(PurePath(row.path).parent))[0], UNMOUNTED] += indexed
    return deleted, [AbsentFolder(show_path(path), files, why) for (path, why), files in sorted(kept.items()) if files]


def replace_absent_folders(data_dir: Path, places: Sequence[str], kept: Sequence[AbsentFolder] = ()) -> None:
    """Replace the absent folders that earlier runs noted at or below `places`."""
    shown = [show_path(place) for place in places]
    others = [one for one in read_absent_folders(data_dir) if not any(is_within(one.path, place) for place in shown)]
    write_absent_folders(data_dir, [*others, *kept])


def _look(folder: str) -> tuple[str, int] | None:
    try:
        status = os.lstat(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return folder, UNKNOWN
    return (folder, status.st_dev) if stat.S_ISDIR(status.st_mode) else None
