"""Mirrors: folders with the copies of objects. They are updated, and then indexed like any other folder.

    listing -> paths -> remove the copies of objects that are gone -> fetch the objects that are new or changed

A copy has the size of its object, and an mtime that names its version (`StoredObject`). A mirror has no other record.
"""

import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TypeAlias

from omnisearch.config import Settings
from omnisearch.errors import MediaError, Reason, UsageError
from omnisearch.media.file import MAX_BYTES
from omnisearch.meter import Meter
from omnisearch.stores.absent_folders import AbsentFolder
from omnisearch.stores.lock import IndexLock, hold_lock
from omnisearch_indexer.globs import Globs
from omnisearch_indexer.ignore import IGNORE_FILE
from omnisearch_indexer.object_store.address import MIRRORS_FOLDER, ObjectAddress, outermost
from omnisearch_indexer.object_store.fetch import Fetcher
from omnisearch_indexer.object_store.key_paths import KeyPaths, StoredObject, key_paths
from omnisearch_indexer.object_store.mirrored import Mirrored
from omnisearch_indexer.object_store.store import ObjectStore
from omnisearch_indexer.storage_errors import named_faults
from omnisearch_indexer.walk import Walk

PARTIAL_FOLDER = "partial"

# What the objects of an address are, or why they cannot be listed.
_Listing: TypeAlias = list[StoredObject] | MediaError


@dataclass(frozen=True)
class Selection:
    """Which objects are copied: the options of the run that indexes them. See `index_files`."""

    hidden: bool
    globs: Globs
    prune: bool


def update_mirrors(
    addresses: Sequence[ObjectAddress], settings: Settings, selection: Selection, stop: Event, meter: Meter
) -> Mirrored:
    """Bring the copies of the objects at some addresses up to date. `meter` receives the bytes of each address.

    Raises:
        NotReadyError: a package of the extra `objects` is not installed.
        UsageError: an address has no objects or cannot be listed, and has no copies.
        BusyError: another process indexes here.
        SettingsError: the data directory cannot be written.
        StoreError: the disk of the data directory is full or failing.
    """
    made = Mirrored()
    stores = {protocol: ObjectStore(protocol) for protocol in sorted({each.protocol for each in addresses})}
    tops = outermost(list(addresses))
    # All listings first: an address that is wrong stops the run before anything is copied.
    listings = [_list(stores[each.protocol], each, settings) for each in tops]
    with named_faults(settings.index_dir), hold_lock(settings.index_dir) as lock:
        partial = _emptied(settings.index_dir / MIRRORS_FOLDER / PARTIAL_FOLDER)
        for address, listing in zip(tops, listings, strict=True):
            if stop.is_set():
                break
            fetcher = Fetcher(stores[address.protocol], address, partial, stop, meter)
            _Mirror(address, settings, selection, made).update(listing, fetcher, lock)
    made.interrupted = stop.is_set()
    return made


def remove_mirrors(addresses: Sequence[ObjectAddress], settings: Settings) -> None:
    """Delete the copies of the objects at some addresses."""
    with named_faults(settings.index_dir), hold_lock(settings.index_dir):
        for root in {address.mirror(settings) for address in addresses}:
            _remove_copies(root, set())


def _list(store: ObjectStore, address: ObjectAddress, settings: Settings) -> _Listing:
    try:
        listing: _Listing = store.find(address)
    except MediaError as error:
        listing = error
    if not listing or isinstance(listing, MediaError):
        why = (
            listing.detail if isinstance(listing, MediaError) else "there is no object: check the bucket and the prefix"
        )
        if not os.path.lexists(address.mirror(settings)):
            raise UsageError(f"{address}: {why}")
    return listing


class _Mirror:
    """The update of one mirror."""

    def __init__(self, address: ObjectAddress, settings: Settings, selection: Selection, made: Mirrored) -> None:
        self._address, self._made, self._prune = address, made, selection.prune
        self._bucket, self._root = address.bucket_mirror(settings), address.mirror(settings)
        self._folds = _folds(settings.index_dir / MIRRORS_FOLDER)
        self._walk = Walk([self._root], selection.hidden, globs=selection.globs)

    def update(self, listing: _Listing, fetcher: Fetcher, lock: IndexLock) -> None:
        """Remove the copies of objects that are gone, and fetch those that are new or changed.

        Raises:
            UsageError: the address is that of a single object, which cannot be copied and has no copy.
        """
        if isinstance(listing, MediaError):
            self._refuse(self._root, self._address.prefix, f"it cannot be listed: {listing.detail}")
            return
        if not listing and not self._prune and (copies := len(_files_and_folders(self._root)[0])):
            # As with a folder that is suddenly empty: the bucket may not be the one that was copied.
            self._made.absent.append(AbsentFolder(str(self._address), copies, "it holds no objects now"))
            return
        found = key_paths(listing, self._bucket, self._folds)
        rules = {path: each for path, each in found.objects.items() if path.endswith(f"/{IGNORE_FILE}")}
        self._fetch(rules, fetcher, lock)  # they say which other objects are wanted
        wanted = self._wanted(found)
        spared = {path for path in found.objects.keys() - wanted.keys() if self._walk.spares(path, self._root)}
        kept = wanted.keys() | rules.keys() | (set() if self._prune else spared)
        self._made.removed += _remove_copies(self._root, kept)
        if self._root not in wanted:
            Path(self._root).mkdir(parents=True, exist_ok=True)
        self._fetch(wanted, fetcher, lock)
        if self._root in self._made.refused and not os.path.lexists(self._root):
            raise UsageError(self._made.refused[self._root][1])

    def _wanted(self, found: KeyPaths) -> dict[str, StoredObject]:
        """Return the objects that are to have a copy, and note why others have none."""
        for path, (key, fault) in found.faults.items():
            if not self._walk.leaves_out(path, self._root):
                self._refuse(path, key, fault)
        wanted: dict[str, StoredObject] = {}
        limit = max(MAX_BYTES.values())
        for path, each in found.objects.items():
            if self._walk.leaves_out(path, self._root):
                continue
            if each.size > limit:  # no file of this size is read
                self._made.refused[path] = (Reason.TOO_LARGE, f"{each.size} bytes, the limit is {limit}")
            else:
                wanted[path] = each
        return wanted

    def _fetch(self, objects: Mapping[str, StoredObject], fetcher: Fetcher, lock: IndexLock) -> None:
        lacking = {path: each for path, each in objects.items() if not _is_current(path, each)}
        if not lacking:
            return
        copied, failed = fetcher.fetch(lacking, lock)
        self._made.copied += copied
        for path, why in failed.items():
            self._refuse(path, objects[path].key, why)

    def _refuse(self, path: str, key: str, why: str) -> None:
        address = self._address.of(key)
        shown = address if address.isprintable() else repr(address)
        self._made.refused[path] = (Reason.NOT_COPIED, f"{shown}: {why}")


def _is_current(path: str, stored: StoredObject) -> bool:
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (stored.size, stored.mtime_ns) and stat.S_ISREG(status.st_mode)


def _files_and_folders(root: str) -> tuple[list[str], list[str]]:
    """Return the files at and below `root`, and the folders, each before those in it."""
    files = [root] if os.path.lexists(root) and not Path(root).is_dir() else []
    folders: list[str] = []
    for folder, _, names in os.walk(root):
        folders.append(folder)
        files += (f"{folder}/{name}" for name in names)
    return files, folders


def _remove_copies(root: str, kept: AbstractSet[str]) -> int:
    """Delete the files at and below `root` that are not kept, and empty folders. Returns the number of files."""
    files, folders = _files_and_folders(root)
    gone = [path for path in files if path not in kept]
    for path in gone:
        Path(path).unlink()
    for folder in reversed(folders):
        with suppress(OSError):  # it is not empty
            Path(folder).rmdir()
    return len(gone)


def _emptied(folder: Path) -> Path:
    """Return the folder without the incomplete copies of a run that was killed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _folds(folder: Path) -> bool:
    """Whether the file system takes names for the same that differ in case."""
    return (folder / PARTIAL_FOLDER.upper()).exists()
