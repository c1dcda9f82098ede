"""Kept renditions: pictures and other forms of items, made once and kept under the data directory."""

import logging
import os
import re
from pathlib import Path
from typing import BinaryIO, Protocol

from omnisearch.api.bounded_folder import BoundedFolder
from omnisearch.errors import NotFoundError
from omnisearch.media.file import ID_DIGITS
from omnisearch.media.rendition import HEAD_BYTES, Rendition
from omnisearch.stores.base import Payload

# Names of renditions, and of the files beside them that `replace_file` writes.
log = logging.getLogger(__name__)
OURS = re.compile(rf"\.?[0-9a-f]{{{ID_DIGITS}}}\.[a-z.]+[0-9.]*")


class Renderer(Protocol):
    """The part of `omnisearch.media` that makes renditions of files, in worker processes that may die."""

    def render(self, path: Path, fd: int, rendition: Rendition) -> bytes | None:
        """Make a rendition of the file at `path`, which is open as `fd`; None if its modality has none."""
        ...

    def close(self) -> None:
        """Stop the workers."""
        ...


class Renditions:
    """The renditions of items, keyed by item id. The id is a hash of the content, so a rendition is never stale.

    All together they take up at most `limit` bytes; the least recently used ones are deleted.
    """

    def __init__(self, folder: Path, renderer: Renderer, limit: int) -> None:
        self._folder, self._renderer = BoundedFolder(folder, limit, OURS), renderer

    def find(self, item: Payload, rendition: Rendition) -> BinaryIO | None:
        """Open an item's rendition; None if it was not made yet, or the file is damaged.

        Raises:
            NotFoundError: items of this modality have no such rendition.
        """
        if item.modality not in rendition.suits:
            raise _no(rendition, item)
        try:
            file = self._folder.open(_name(item, rendition))
        except OSError:
            return None
        try:
            if rendition.is_whole(file.read(HEAD_BYTES), os.fstat(file.fileno()).st_size):
                return file
        except OSError:
            pass
        file.close()
        return None

    def make(self, item: Payload, rendition: Rendition, path: Path, file: BinaryIO) -> BinaryIO:
        """Open an item's rendition. If there is none yet, make it from the item's open `file` at `path`.

        Raises:
            NotFoundError: this item has no such rendition.
            MediaError: the file cannot be decoded.
        """
        found = self.find(item, rendition)
        if found is not None:
            return found
        made = self._renderer.render(path, file.fileno(), rendition)
        if made is None:
            raise _no(rendition, item)
        try:
            return self._folder.write(_name(item, rendition), made)
        except OSError as error:  # such as a full disk, or a data directory that may only be read
            log.warning("a preview cannot be kept, and will be made again: %s", error)
            return _in_memory(made)

    def close(self) -> None:
        """Stop the renderer."""
        self._renderer.close()


def _in_memory(content: bytes) -> BinaryIO:
    file = os.fdopen(os.memfd_create("rendition", os.MFD_CLOEXEC), "w+b")
    file.write(content)
    file.seek(0)  # which also writes what is buffered
    return file


def _name(item: Payload, rendition: Rendition) -> str:
    return f"{item.item_id}.{rendition}"


def _no(rendition: Rendition, item: Payload) -> NotFoundError:
    return NotFoundError(f"item {item.item_id} has no {rendition.noun}: it is of the modality {item.modality}")
