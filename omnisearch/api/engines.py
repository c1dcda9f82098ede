"""Open engines that share one model, its encoders and the decoders of query files."""

import gc
from typing import TYPE_CHECKING

from omnisearch.api.service import SearchEngine
from omnisearch.config import Settings

if TYPE_CHECKING:
    from omnisearch.search.shared import Shared


class Engines:
    """Opens the engines of collections, one at a time. torch is imported when the first one opens."""

    def __init__(self) -> None:
        self._shared: Shared | None = None

    def open(self, settings: Settings) -> SearchEngine:
        """Open the engine of a collection. Raises the errors of `omnisearch.search.engine.Engine.open`."""
        from omnisearch.search.engine import Engine
        from omnisearch.search.shared import Shared

        self._shared = self._shared or Shared(settings)
        engine = Engine.open(settings, self._shared)
        _spare_collector()
        return engine

    def close(self) -> None:
        """Stop the decoders. The engines must be closed before."""
        if self._shared is not None:
            self._shared.close()


def _spare_collector() -> None:
    """Exempt all live objects from garbage collection: modules and models stay, and tracing them takes 5 % of a query.

    Objects of a collection that was closed since the last call are collected.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
