"""Resources that the engines of one process share: the model, its encoders, and the decoders of query files."""

import threading
from pathlib import Path

from omnisearch.binding import installed
from omnisearch.binding.model import OmniBind
from omnisearch.binding.picture_side import picture_side
from omnisearch.config import Settings
from omnisearch.media.pool import DecoderPool
from omnisearch.search.locate.locate import Locator
from omnisearch.search.plan.embed import Embedder

DECODERS = 2  # processes for the files of queries: one slow file does not block the next


class Shared:
    """Loads the model once. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._decoder = DecoderPool(settings, workers=DECODERS, shorter_side=picture_side(settings))
        self.embedder = Embedder(self._decoder)
        self.locator = Locator(self.embedder, settings)
        self._loaded: tuple[tuple[object, ...], OmniBind] | None = None
        self._loading = threading.Lock()

    def model(self, settings: Settings) -> OmniBind:
        """Return the model of the settings. It is loaded again if its files were replaced.

        Raises the errors of `OmniBind.load`.
        """
        with self._loading:
            found = _signature(installed.find(settings.model, settings))
            if self._loaded is None or self._loaded[0] != found:
                self._loaded = found, OmniBind.load(settings.model, settings)
            return self._loaded[1]

    def close(self) -> None:
        """Stop the decoders."""
        self._decoder.close()
        self.locator.close()


def _signature(folder: Path) -> tuple[object, ...]:
    files = ((path.name, path.stat()) for path in sorted(folder.iterdir()))
    return folder, *((name, s.st_ino, s.st_size, s.st_mtime_ns) for name, s in files)
