"""Fetch objects in parallel. A copy appears under its name when it is complete and durable."""

import errno
import os
import shutil
from collections import deque
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event, get_ident

from omnisearch.durable import sync
from omnisearch.errors import MediaError, Reason, StoppedError, StoreError
from omnisearch.meter import Meter
from omnisearch.stores.lock import IndexLock
from omnisearch.stores.validation import RESERVE
from omnisearch_indexer.object_store.address import ObjectAddress
from omnisearch_indexer.object_store.key_paths import StoredObject
from omnisearch_indexer.object_store.store import ObjectStore
from omnisearch_indexer.storage_errors import FULL

FETCHES = 8
WAIT_SECONDS = 0.2
DISK_FAULTS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


class Fetcher:
    """Copies objects to files. `partial` is a folder for incomplete copies, on the file system of the complete ones."""

    def __init__(self, store: ObjectStore, address: ObjectAddress, partial: Path, stop: Event, meter: Meter) -> None:
        self._store, self._address, self._partial, self._stop, self._meter = store, address, partial, stop, meter
        self._ended = Event()  # set when the disk fails
        self._arrived: deque[int] = deque()  # bytes that the meter has not received

    def fetch(self, objects: Mapping[str, StoredObject], lock: IndexLock) -> tuple[int, dict[str, str]]:
        """Copy each object to its path. Returns the number of copies, and why others failed, by path.

        If the run is stopped, the objects that are left are in neither of both.

        Raises:
            StoreError: the disk has no room for all objects; nothing was written.
            OSError: the disk is full or failing.
        """
        total = sum(each.size for each in objects.values())
        self._check_room(total)
        self._meter.start(total, len(objects))
        copied, failed = 0, dict[str, str]()
        self._ended.clear()
        rest = iter(objects.items())
        waiting: dict[Future[None], str] = {}
        with ThreadPoolExecutor(FETCHES, "fetch") as threads:
            try:
                while True:
                    while len(waiting) < 2 * FETCHES and not self._stop.is_set() and (item := next(rest, None)):
                        waiting[threads.submit(self._copy, *item)] = item[0]
                    if not waiting:
                        return copied, failed
                    ended, _ = wait(waiting, WAIT_SECONDS, FIRST_COMPLETED)
                    for future in ended:
                        copied += _is_copied(future, waiting.pop(future), failed)
                    self._advance(len(ended))
                    lock.pause()
            finally:
                self._ended.set()

    def _check_room(self, needed: int) -> None:
        free = shutil.disk_usage(self._partial).free
        if needed + RESERVE > free:
            raise StoreError(
                f"{self._address}: {needed:,} bytes are to be copied, and the disk of {self._partial.parent} has "
                f"{free:,} bytes free, of which {RESERVE:,} are kept in reserve; nothing was copied: {FULL}, or "
                "choose fewer objects with --include and --exclude"
            )

    def _copy(self, path: str, stored: StoredObject) -> None:
        target, aside = Path(path), self._partial / str(get_ident())
        try:
            with aside.open("wb") as file:
                for chunk in self._store.read(self._address.bucket, stored):
                    if self._ended.is_set() or self._stop.is_set():
                        raise StoppedError(f"{path}: copying was stopped")
                    file.write(chunk)
                    self._arrived.append(len(chunk))
            os.utime(aside, ns=(stored.mtime_ns, stored.mtime_ns))
            sync(aside)
            target.parent.mkdir(parents=True, exist_ok=True)
            aside.replace(target)
        except OSError as error:
            if error.errno in DISK_FAULTS:
                raise
            # It is this name that the file system refuses.
            raise MediaError(Reason.NOT_COPIED, os.strerror(error.errno or 0)) from None
        finally:
            aside.unlink(missing_ok=True)

    def _advance(self, files: int) -> None:
        arrived = 0
        while self._arrived:
            arrived += self._arrived.popleft()
        self._meter.advance(arrived, files)


def _is_copied(future: Future[None], path: str, failed: dict[str, str]) -> bool:
    try:
        future.result()
    except MediaError as error:
        failed[path] = error.detail
    except StoppedError:
        return False
    return path not in failed
