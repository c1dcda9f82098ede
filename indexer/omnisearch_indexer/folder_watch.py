"""Ask the system for changes in folders, by watchfiles.

Each folder is watched by itself. Where watchfiles watches all folders below one, it follows links out of it, and leaves
out, without a word, the folders after one that cannot be read.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from omnisearch.paths import is_below

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

MOST_WATCHERS = 8  # each takes one of the instances of inotify, of which a user may have 128
LIMITS = Path("/proc/sys/fs/inotify")


class WatchLimitError(Exception):
    """The system refuses to watch so many folders; the message says what to do."""


class FolderWatch:
    """Watches folders; `drain` returns the changes of the paths in them. Use it from one thread."""

    def __init__(self) -> None:
        self._inodes: dict[str, int] = {}
        self._watchers: list[tuple[RustNotify, list[str]]] = []
        self._replaced: list[RustNotify] = []  # with changes that were not drained

    def cover(self, folders: Mapping[str, int]) -> None:
        """Watch these folders too; their inodes tell a folder from an earlier one of its name.

        Raises:
            WatchLimitError: the system watches no further folder.
        """
        new = [folder for folder, inode in folders.items() if self._inodes.get(folder) != inode]
        if not new:
            return
        self._inodes.update(folders)
        self._watchers.append((self._start(new), new))
        if len(self._watchers) > MOST_WATCHERS:
            self._merge()

    def renew(self, folders: Mapping[str, int]) -> None:
        """Watch these folders, and forget the others. Raises as `cover`."""
        for gone in self._inodes.keys() - folders.keys():
            del self._inodes[gone]
        self.cover(folders)

    def drain(self) -> set[str]:
        """Return the paths that changed since the last call.

        Raises:
            OSError: the system lost changes.
        """
        changed: set[str] = set()
        for watcher in (*self._replaced, *(watcher for watcher, _ in self._watchers)):
            changed |= _drain(watcher)
        self._close_replaced()
        return changed

    def leave(self, folder: str) -> None:
        """Forget a folder that is gone and those below it, so that others of their names are watched."""
        if self._inodes.pop(folder, None) is not None:
            for below in [each for each in self._inodes if is_below(each, folder)]:
                del self._inodes[below]

    def close(self) -> None:
        """Watch nothing any more."""
        self._close_replaced()
        for watcher, _ in self._watchers:
            watcher.close()
        self._watchers.clear()
        self._inodes.clear()

    def _close_replaced(self) -> None:
        for watcher in self._replaced:
            watcher.close()
        self._replaced.clear()

    def _merge(self) -> None:
        """Put one watcher in the place of all but the first, which has the folders of the first walk."""
        others = self._watchers[1:]
        held = dict.fromkeys(folder for _, folders in others for folder in folders if folder in self._inodes)
        for folder in held:
            if _inode(folder) != self._inodes[folder]:  # it was moved away: no watcher would have it
                del self._inodes[folder]
        folders = [folder for folder in held if folder in self._inodes]
        self._watchers = [self._watchers[0], (self._start(folders), folders)]
        self._replaced += [watcher for watcher, _ in others]

    def _start(self, folders: list[str]) -> "RustNotify":
        from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

        try:
            # Folders that cannot be watched are left out: they are gone, may not be read, or are too many.
            watcher = RustNotify(folders, False, False, 0, False, True)
            RustNotify(["/"], False, False, 0, False, False).close()  # raises if they are too many
        except (OSError, WatchfilesRustInternalError) as error:
            raise WatchLimitError(_limit_message(len(self._inodes), str(error))) from error
        return watcher


def _drain(watcher: "RustNotify") -> set[str]:
    from watchfiles._rust_notify import WatchfilesRustInternalError

    try:
        found = watcher.watch(1, 1, 1, None)  # does not wait
    except WatchfilesRustInternalError as error:
        raise OSError(str(error)) from None
    return {path for _, path in found} if isinstance(found, set) else set()


def _inode(folder: str) -> int | None:
    try:
        return os.lstat(folder).st_ino
    except OSError:
        return None


def _limit_message(folders: int, error: str) -> str:
    name, value = ("instances", 1024) if "open files" in error else ("watches", 1 << 20)
    place = LIMITS / f"max_user_{name}"
    now = f" (now {place.read_text(encoding='ascii').strip()})" if place.exists() else ""
    return (
        f"the system does not watch {folders:,} folders: {error.split(' about [')[0].split(' (os')[0]}. Raise the limit"
        f"{now}, for example by `sudo sysctl fs.inotify.max_user_{name}={value}`"
    )
