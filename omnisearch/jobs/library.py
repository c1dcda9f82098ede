"""The state of an index, read by the package that writes it, which is found through an entry point."""

import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, Protocol, cast

from omnisearch.config import Settings

GROUP, NAME = "omnisearch.library", "index"


class Library(Protocol):
    """Reads the state of the index of the settings, without a model or an engine. Empty if nothing was indexed yet."""

    def roots(self, settings: Settings, others: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Return the paths that were indexed, and `others`: `path`, `items`, `indexed`, `failures`, `unsupported`."""
        ...

    def failures(self, settings: Settings, reason: str | None, after: str, limit: int) -> Sequence[Mapping[str, Any]]:
        """Return files that could not be read, for a reason or for any: at most `limit`, after the path `after`.

        Each has its own `cursor`, for `after`. Files of unsupported formats are returned only for that reason.
        """
        ...

    def copies(self, settings: Settings, item_id: str, limit: int) -> tuple[Sequence[str], int]:
        """Return the paths of the files with the content of an item, in order: the first `limit`, and their number."""
        ...

    def reasons(self, settings: Settings) -> Mapping[str, int]:
        """Return the number of files that could not be read, by reason."""
        ...

    def watch(
        self,
        settings: Settings,
        run: Callable[[Sequence[str], Sequence[str]], None],
        tell: Callable[[str], None],
        stop: threading.Event,
    ) -> None:
        """Watch the roots of the index until `stop` is set, also those that are added later.

        Calls `run` with paths that changed and the roots; it indexes them before it returns. `tell` receives messages.
        """
        ...


def load_library() -> Library:
    """Import the functions that read the state of an index."""
    (point,) = entry_points(group=GROUP, name=NAME)
    return cast(Library, point.load())
