"""Item files: open the file of an item after a check that it still has the content that was indexed."""

import os
import threading
import time
from collections import OrderedDict
from typing import BinaryIO, TypeAlias

from omnisearch.errors import MediaError, NotFoundError
from omnisearch.media.file import ID_DIGITS, content_hash, open_unlinked
from omnisearch.paths import find_path
from omnisearch.stores.base import Payload

REMEMBERED = 4096  # files; a browser requests many ranges of a film, which is hashed once
# A file that changed this recently may change again within the same time stamp, so its hash is not remembered.
SETTLED_SECONDS = 2.0

_Signature: TypeAlias = tuple[int, int, int, int, int]


class ItemFiles:
    """Opens the files of items. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Signature, str] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, item: Payload) -> BinaryIO:
        """Open the file of an item without following any link; the caller closes it.

        Raises:
            NotFoundError: the file is missing or its content has changed; the message says what to do.
        """
        again = "run `omnisearch index PATH...` to bring the index up to date"
        try:
            file = os.fdopen(open_unlinked(find_path(item.path)), "rb")
        except MediaError as error:
            reason = f"{error.reason}: {error.detail}" if error.detail else error.reason
            raise NotFoundError(f"the file of item {item.item_id} cannot be opened ({reason}); {again}") from None
        try:
            if self._id(file.fileno()) != item.item_id:
                raise NotFoundError(f"the file of item {item.item_id} has changed since it was indexed; {again}")
        except BaseException:
            file.close()
            raise
        return file

    def _id(self, fd: int) -> str:
        signature = _signature(fd)
        with self._lock:
            known = self._known.get(signature)
        if known is not None:
            return known
        found = content_hash(fd)[:ID_DIGITS]
        *_, changed_ns = signature
        if time.time_ns() - changed_ns > SETTLED_SECONDS * 1e9 and _signature(fd) == signature:
            with self._lock:
                self._known[signature] = found
                while len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
        return found


def _signature(fd: int) -> _Signature:
    """Return the fields of `stat` that change with the content. Programs cannot set the last one, the ctime."""
    status = os.fstat(fd)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
