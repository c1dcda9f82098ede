"""Previews: small WebP pictures of items, made once and kept under the data directory."""

import os
import tempfile
from pathlib import Path
from typing import BinaryIO, Protocol

from omnisearch.errors import NotFoundError


class Renderer(Protocol):
    """What the API asks of `omnisearch.media`: pictures of files, made in a worker that may die."""

    def preview(self, path: Path, fd: int) -> bytes | None:
        """Return a WebP poster of the file at `path`, which is open as `fd`; None for text."""
        ...

    def close(self) -> None:
        """Stop the workers."""
        ...


class Previews:
    """Keyed by item id, which is a hash of the content, and made of that content alone: a preview is never stale."""

    def __init__(self, folder: Path, renderer: Renderer) -> None:
        self._folder, self._renderer = folder, renderer

    def find(self, item_id: str) -> Path | None:
        """Return the file of an item's preview; None if it was not made yet."""
        kept = self._folder / f"{item_id}.webp"
        return kept if kept.is_file() else None

    def make(self, item_id: str, path: Path, file: BinaryIO) -> Path:
        """Return the file of an item's preview, made from the item's open `file` at `path` if there is none yet.

        Raises:
            NotFoundError: this item has no picture.
            MediaError: the file cannot be decoded.
        """
        found = self.find(item_id)
        if found is None:
            picture = self._renderer.preview(path, file.fileno())
            if picture is None:
                raise NotFoundError(f"item {item_id} has no preview")
            found = self._folder / f"{item_id}.webp"
            self._write(found, picture)
        return found

    def close(self) -> None:
        """Stop the renderer."""
        self._renderer.close()

    def _write(self, kept: Path, picture: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(picture)
            Path(name).replace(kept)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
