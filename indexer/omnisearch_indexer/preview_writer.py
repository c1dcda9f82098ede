"""Keep the previews that decoding makes, so that results show them at once."""

import logging
from threading import Lock

from omnisearch.media.rendition import Rendition
from omnisearch.renditions.kept import KeptRenditions

log = logging.getLogger(__name__)


class PreviewWriter:
    """Writes small previews until one cannot be written: the server makes the others. Safe to use from threads."""

    def __init__(self, kept: KeptRenditions) -> None:
        self._kept, self._works, self._lock = kept, True, Lock()

    def write(self, item_id: str, preview: bytes) -> None:
        """Keep the preview of an item."""
        if not self._works:
            return
        try:
            self._kept.keep(item_id, Rendition.SMALL, preview).close()
        except OSError as error:
            with self._lock:  # readers fail at the same time: one of them says so
                first, self._works = self._works, False
            if first:
                log.warning("previews cannot be kept in this run: %s", error)
