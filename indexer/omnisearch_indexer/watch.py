"""Watch: find the places in roots that change, one batch after the other."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Self

from omnisearch.config import Settings
from omnisearch.errors import NoIndexError, UsageError
from omnisearch.paths import is_within, show_path
from omnisearch.stores.absent_folders import read_absent_folders
from omnisearch_indexer.changes import Changes
from omnisearch_indexer.dry_run import ChangeKind, DryRun, dry_run_files
from omnisearch_indexer.executor import OpenExecutor
from omnisearch_indexer.folder_watch import FolderWatch, WatchLimitError
from omnisearch_indexer.globs import ALL, Globs
from omnisearch_indexer.ignore import IGNORE_FILE
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.network_mounts import find_network_mounts
from omnisearch_indexer.walk import Signature, Walk

TICK_SECONDS = 0.25
POLL_SECONDS = 60.0  # between two looks at all files, where the system reports no changes
LOOK_SECONDS = 900.0  # where it does: a change that it lost is found then
IDLE = 20  # a look that takes a second is followed by at least so many seconds without one
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WatchOptions:
    """The options of the runs that are repeated, and `poll_seconds` to look at all files instead of being told."""

    hidden: bool = False
    globs: Globs = ALL
    poll_seconds: float | None = None
    open_executor: OpenExecutor | None = None


class Watch:
    """Watches roots from `__enter__` on. A thread collects the changes, also while the caller indexes."""

    def __init__(
        self,
        roots: Sequence[str],
        settings: Settings,
        options: WatchOptions,
        tell: Callable[[str], None],
        stop: threading.Event,
    ) -> None:
        """Roots are real paths. `tell` receives messages to the user, and `stop` ends the watch."""
        self.roots = list(roots)
        self._settings, self._options, self._tell, self._stop = settings, options, tell, stop
        self._skip = str(settings.data_dir.resolve())
        self._changes = Changes(find_signature)
        self._folders, self._lock, self._over = FolderWatch(), threading.Lock(), threading.Event()
        self._is_told = options.poll_seconds is None
        self._thread = threading.Thread(target=self._listen, name="watch", daemon=True)
        self._next_look = 0.0

    def __enter__(self) -> Self:
        mounts = [mount for root in self.roots for mount in find_network_mounts(root)]
        if self._is_told and mounts:
            self._is_told = False
            self._tell(
                f"{show_path(mounts[0])} is on a network file system, which may report no changes: {self._polling()}"
            )
        begun = time.monotonic()
        if self._is_told:
            self._cover(self._find_folders(self.roots))
        self._plan_look(begun)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._folders.close()

    def batches(self) -> Iterator[Sequence[str]]:
        """Yield paths that changed until the watch is stopped; the roots if anything in them may have changed.

        Only paths where the index differs from the files are yielded. Roots that were forgotten are watched no longer.

        Raises:
            NoIndexError: the index was removed, or all roots were forgotten.
        """
        while not self._stop.is_set():
            taken = self._changes.take()
            if taken is None or time.monotonic() >= self._next_look:
                self._changes.put_back(taken or ())
                if self._look():
                    yield tuple(self.roots)
            elif taken:
                self._drop_forgotten()
                if any(not file.is_known for file in self._compare(taken, self.roots).files):
                    yield taken
            else:
                self._stop.wait(TICK_SECONDS)

    def look_soon(self) -> None:
        """Compare all files with the index as soon as nothing changes."""
        self._changes.note_all()

    def put_back(self, paths: Sequence[str]) -> None:
        """Yield these paths again later."""
        if any(path in self.roots for path in paths):
            self._changes.note_all()
        self._changes.put_back(paths)

    # Look at all files

    def _look(self) -> bool:
        """Note the files that differ from the index. Returns whether a run has to look for itself at all of them."""
        self._drop_forgotten()
        begun, folders = time.monotonic(), dict[str, int]()
        try:
            found = self._compare(self.roots, folders=folders)
        except UsageError:  # a root is missing of which nothing is indexed
            return False
        finally:
            self._plan_look(begun)
        if self._is_told and not self._stop.is_set():
            self._cover(folders, renew=True)
        for file in found.files:
            if not file.is_known and file.kind is not ChangeKind.AGAIN:
                for path in filter(None, (file.path, file.before)):
                    self._changes.note(path)
        known = {place for place in read_absent_folders(self._settings.index_dir) if self._holds(place.path)}
        return set(found.report.kept) != known

    def _compare(
        self,
        paths: Sequence[str],
        within: Sequence[str] = (),
        folders: dict[str, int] | None = None,
    ) -> DryRun:
        hidden, globs = self._options.hidden, self._options.globs
        places = list(map(Path, paths))
        return dry_run_files(places, self._settings, False, hidden, False, globs, within, folders, self._stop)

    def _plan_look(self, begun: float) -> None:
        now, asked = time.monotonic(), self._options.poll_seconds
        seconds = asked or max(LOOK_SECONDS if self._is_told else POLL_SECONDS, IDLE * (now - begun))
        self._next_look = now + seconds

    def _drop_forgotten(self) -> None:
        with closing(Manifest(self._settings.index_dir / MANIFEST_FILE, checked=True)) as manifest:
            known = manifest.roots()
        for root in [root for root in self.roots if root not in known]:
            self.roots.remove(root)
            self._tell(f"{show_path(root)} was forgotten and is watched no longer")
        if not self.roots:
            raise NoIndexError("no root is left to watch: run `omnisearch index --watch PATH`")

    # Be told by the system

    def _listen(self) -> None:
        while not self._over.wait(TICK_SECONDS):
            try:
                with self._lock:
                    changed = self._folders.drain()
                for path in changed:
                    self._hear(path)
            except Exception as error:
                # The next comparison of all files finds the lost changes, and watches all folders again.
                if isinstance(error, OSError):
                    log.info("changes were lost: %s", error)
                else:
                    log.exception("changes were lost")
                with self._lock:
                    self._folders.close()
                self._changes.note_all()

    def _hear(self, path: str) -> None:
        if not self._holds(path) or is_within(path, self._skip):
            return
        if path.endswith("/" + IGNORE_FILE):
            path = path.rpartition("/")[0]  # its rules hold for the folder
        if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114 - often called
            self._cover(self._find_folders([path], self.roots))
        else:
            with self._lock:
                self._folders.leave(path)
        self._changes.note(path)

    def _cover(self, folders: dict[str, int], renew: bool = False) -> None:
        for root in self.roots:
            if not os.path.isdir(root):  # noqa: PTH112 - a file: programs replace it by another one in its folder
                above = os.path.dirname(root)  # noqa: PTH120
                with suppress(OSError):
                    folders[above] = os.lstat(above).st_ino
        with self._lock:
            try:
                self._folders.renew(folders) if renew else self._folders.cover(folders)
            except WatchLimitError as error:
                self._is_told = False
                self._folders.close()
                self._tell(f"{error}; until then, {self._polling()}")
                self._next_look = 0.0

    def _find_folders(self, roots: Sequence[str], within: Sequence[str] = ()) -> dict[str, int]:
        """Return the inodes of the folders of a walk by path; not all of them if the watch is stopped meanwhile."""
        skip, folders = frozenset({self._skip}), dict[str, int]()
        walk = Walk(roots, self._options.hidden, skip, self._options.globs, within, folders=folders)
        for _ in chain.from_iterable(map(walk.batches, roots)):
            if self._stop.is_set():
                break
        return folders

    def _holds(self, path: str) -> bool:
        return any(is_within(path, root) for root in self.roots)

    def _polling(self) -> str:
        return (
            f"all files are compared with the index every {POLL_SECONDS:.0f} seconds, or less often if that takes long"
        )


def find_signature(path: str) -> Signature | None:
    """Return the signature of a file or folder; None if there is none."""
    try:
        return Signature.of(os.lstat(path))
    except OSError:
        return None
