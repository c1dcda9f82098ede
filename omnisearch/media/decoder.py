"""The interface through which search and the indexer decode files; `DecoderPool` implements it."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from omnisearch.metadata import Metadata
from omnisearch.types import Decoded, Slice


class Decoder(Protocol):
    """Decodes files and cuts texts into passages."""

    def decode(
        self,
        path: Path,
        follow_links: bool = True,
        slice_: Slice | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Decoded:
        """Decode a file, or only a slice of it; decoding ends soon after `stopped()` becomes true."""
        ...

    def describe(self, path: Path, follow_links: bool = True) -> Metadata:
        """Read the metadata of a file and its sidecars, without decoding the file."""
        ...

    def passages(self, text: str) -> list[str]:
        """Cut a text into passages in the same way as a text file; a short text is one passage."""
        ...

    def close(self) -> None:
        """Stop the workers."""
        ...
