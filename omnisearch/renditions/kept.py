"""The folder of kept renditions, keyed by item id. The id is a hash of the content, so a rendition is never stale."""

import os
import re
from collections.abc import Collection
from typing import BinaryIO

from omnisearch.config import Settings
from omnisearch.media.file import ID_DIGITS
from omnisearch.media.previews.placeholder import Placeholder, read_placeholder
from omnisearch.media.rendition import HEAD_BYTES, AnyRendition, Rendition, rendition_name
from omnisearch.renditions.bounded_folder import BoundedFolder

FOLDER = "previews"
# Names of renditions, and of the files beside them that `replace_file` writes.
OURS = re.compile(rf"\.?[0-9a-f]{{{ID_DIGITS}}}\.[a-z0-9.]+")


class KeptRenditions:
    """The renditions of the items of all collections of a data directory.

    All together they take up at most `preview_bytes`; the least recently used ones are deleted.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = BoundedFolder(settings.data_dir / FOLDER, settings.preview_bytes, OURS)

    def find(self, item_id: str, rendition: AnyRendition, is_use: bool = True) -> BinaryIO | None:
        """Open a rendition and record its use; None if it was not made yet, or the file is damaged."""
        try:
            file = self._folder.open(rendition_name(item_id, rendition), is_use)
        except OSError:
            return None
        try:
            if rendition.is_whole(file.read(HEAD_BYTES), os.fstat(file.fileno()).st_size):
                return file
        except OSError:
            pass
        file.close()
        return None

    def placeholder(self, item_id: str) -> Placeholder | None:
        """Return the placeholder of an item's small preview; None if that was not made yet, or the file is damaged."""
        try:
            with self._folder.open(rendition_name(item_id, Rendition.SMALL), is_use=False) as file:
                return read_placeholder(file)
        except OSError:
            return None

    def keep(self, item_id: str, rendition: AnyRendition, made: bytes) -> BinaryIO:
        """Write a rendition, and open it.

        Raises:
            OSError: the file cannot be written.
        """
        return self._folder.write(rendition_name(item_id, rendition), made)

    def has(self, item_id: str, rendition: AnyRendition) -> bool:
        """Whether a rendition was made and is not damaged."""
        found = self.find(item_id, rendition, is_use=False)
        if found is not None:
            found.close()
        return found is not None

    def is_fuller_than(self, share: float) -> bool:
        """Whether more than a share of `preview_bytes` is used."""
        return self._folder.is_fuller_than(share)

    def retain(self, item_ids: Collection[str]) -> None:
        """Delete all renditions of other items."""
        self._folder.delete(lambda name: name.lstrip(".")[:ID_DIGITS] not in item_ids)

    def delete(self, item_ids: Collection[str]) -> None:
        """Delete all renditions of some items."""
        if item_ids:
            ids = frozenset(item_ids)
            self._folder.delete(lambda name: name.lstrip(".")[:ID_DIGITS] in ids)
