"""The interface through which the indexer reads the files of a run, on this machine or on the nodes of a cluster."""

from typing import Protocol

from omnisearch.types import Decoded
from omnisearch_indexer.walk import Signature


class Files(Protocol):
    """Identifies and decodes files; safe to call from many threads.

    All methods raise MediaError if a file cannot be read, and may raise OSError. All methods, and the pieces of a file,
    may raise StoppedError if the run was stopped.
    """

    def identify(self, path: str) -> tuple[Signature, str]:
        """Return the signature of a file and the id of its content."""
        ...

    def decode(self, path: str) -> Decoded:
        """Decode a file; its pieces are closed or read to the end."""
        ...
