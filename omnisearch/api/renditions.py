"""Kept renditions: pictures and other forms of items, made once and kept under the data directory."""

import os
import tempfile
from pathlib import Path
from typing import BinaryIO, Protocol

from omnisearch.errors import NotFoundError
from omnisearch.media.rendition import HEAD_BYTES, Rendition
from omnisearch.stores.base import Payload


class Renderer(Protocol):
    """What the API asks of `omnisearch.media`: renditions of files, made in a worker that may die."""

    def render(self, path: Path, fd: int, rendition: Rendition) -> bytes | None:
        """Make a rendition of the file at `path`, which is open as `fd`; None if its modality has none."""
        ...

    def close(self) -> None:
        """Stop the workers."""
        ...


class Renditions:
    """Keyed by item id, which is a hash of the content, and made of that content alone: a rendition is never stale."""

    def __init__(self, folder: Path, renderer: Renderer) -> None:
        self._folder, self._renderer = folder, renderer

    def find(self, item: Payload, rendition: Rendition) -> Path | None:
        """Return the file of an item's rendition; None if it was not made yet, or the file is damaged.

        Raises:
            NotFoundError: items of this modality have no such rendition.
        """
        if item.modality not in rendition.suits:
            raise _no(rendition, item)
        kept = self._path(item, rendition)
        try:
            with kept.open("rb") as file:
                whole = rendition.is_whole(file.read(HEAD_BYTES), os.fstat(file.fileno()).st_size)
        except OSError:
            return None
        return kept if whole else None

    def make(self, item: Payload, rendition: Rendition, path: Path, file: BinaryIO) -> Path:
        """Return the file of an item's rendition, made from the item's open `file` at `path` if there is none yet.

        Raises:
            NotFoundError: this item has no such rendition.
            MediaError: the file cannot be decoded.
        """
        found = self.find(item, rendition)
        if found is None:
            made = self._renderer.render(path, file.fileno(), rendition)
            if made is None:
                raise _no(rendition, item)
            found = self._path(item, rendition)
            self._write(found, made)
        return found

    def close(self) -> None:
        """Stop the renderer."""
        self._renderer.close()

    def _path(self, item: Payload, rendition: Rendition) -> Path:
        return self._folder / f"{item.item_id}.{rendition}"

    def _write(self, kept: Path, made: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(made)
            Path(name).replace(kept)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def _no(rendition: Rendition, item: Payload) -> NotFoundError:
    return NotFoundError(f"item {item.item_id} has no {rendition.noun}: it is of the modality {item.modality}")
