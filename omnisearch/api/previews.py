"""Previews: small WebP pictures of items, made once and kept under the data directory."""

import os
import tempfile
import threading
from pathlib import Path
from typing import Protocol

from omnisearch.errors import NotFoundError


class Renderer(Protocol):
    """What the API asks of `omnisearch.media`: pictures of files, made in a worker that may die."""

    def preview(self, path: Path) -> bytes | None:
        """Return a WebP poster, or None for text."""
        ...

    def close(self) -> None:
        """Stop the workers."""
        ...


class Previews:
    """Keyed by item id, which is a hash of the content: a preview never goes stale."""

    def __init__(self, folder: Path, renderer: Renderer) -> None:
        self._folder, self._renderer = folder, renderer
        self._lock = threading.Lock()

    def get(self, item_id: str, path: Path) -> Path:
        """Return the file of an item's preview, making it from `path` where it is missing.

        Raises:
            NotFoundError: this item has no picture.
            MediaError: the file cannot be read any more.
        """
        kept = self._folder / f"{item_id}.webp"
        if kept.is_file():
            return kept
        with self._lock:  # one at a time: a page of forty new posters must not starve a search
            if not kept.is_file():
                picture = self._renderer.preview(path)
                if picture is None:
                    raise NotFoundError(f"item {item_id} has no preview")
                self._write(kept, picture)
        return kept

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
