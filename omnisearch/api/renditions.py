"""Renditions that are made when they are first needed, and kept."""

import logging
import os
import threading
from pathlib import Path
from typing import BinaryIO, Protocol
from weakref import WeakValueDictionary

from omnisearch.errors import NotFoundError
from omnisearch.media.rendition import AnyRendition
from omnisearch.renditions.kept import KeptRenditions
from omnisearch.stores.base import Payload

log = logging.getLogger(__name__)


class Renderer(Protocol):
    """The part of `omnisearch.media` that makes renditions of files, in worker processes that may die."""

    def render(self, path: Path, fd: int, rendition: AnyRendition) -> bytes | None:
        """Make a rendition of the file at `path`, which is open as `fd`; None if it has none."""
        ...

    def close(self) -> None:
        """Stop the workers."""
        ...


class Renditions:
    """The kept renditions of items, and the renderer that makes the others."""

    def __init__(self, kept: KeptRenditions, renderer: Renderer) -> None:
        self._kept, self._renderer = kept, renderer
        self._locks = WeakValueDictionary[tuple[str, AnyRendition], threading.Lock]()
        self._locking = threading.Lock()

    def find(self, item: Payload, rendition: AnyRendition) -> BinaryIO | None:
        """Open an item's rendition; None if it was not made yet, or the file is damaged.

        Raises:
            NotFoundError: items of this kind have no such rendition.
        """
        if not rendition.suits(item.modality, item.mime):
            raise _no(rendition, item)
        return self._kept.find(item.item_id, rendition)

    def make(self, item: Payload, rendition: AnyRendition, path: Path, file: BinaryIO) -> BinaryIO:
        """Open an item's rendition. If there is none yet, make it from the item's open `file` at `path`.

        Raises:
            NotFoundError: this item has no such rendition.
            MediaError: the file cannot be decoded.
        """
        with self._lock_of(item, rendition):
            found = self.find(item, rendition)
            if found is not None:
                return found
            made = self._renderer.render(path, file.fileno(), rendition)
            if made is None:
                raise _no(rendition, item)
            try:
                return self._kept.keep(item.item_id, rendition, made)
            except OSError as error:  # such as a full disk, or a data directory that may only be read
                log.warning("a preview cannot be kept, and will be made again: %s", error)
                return _in_memory(made)

    def _lock_of(self, item: Payload, rendition: AnyRendition) -> threading.Lock:
        """The lock under which a rendition is made: requests for the same one wait, and find it."""
        with self._locking:
            return self._locks.setdefault((item.item_id, rendition), threading.Lock())

    def close(self) -> None:
        """Stop the renderer."""
        self._renderer.close()


def _in_memory(content: bytes) -> BinaryIO:
    file = os.fdopen(os.memfd_create("rendition", os.MFD_CLOEXEC), "w+b")
    file.write(content)
    file.seek(0)  # which also writes what is buffered
    return file


def _no(rendition: AnyRendition, item: Payload) -> NotFoundError:
    suits = rendition.suits(item.modality, item.mime)
    why = "its file holds none" if suits else f"it is of the type {item.mime or item.modality}"
    return NotFoundError(f"item {item.item_id} has no {rendition.noun}: {why}")
