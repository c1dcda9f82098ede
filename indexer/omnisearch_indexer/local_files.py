"""Files of this machine, which decoder processes of this machine read."""

import os
from contextlib import suppress
from pathlib import Path

from omnisearch.media.decoder import Decoder
from omnisearch.media.file import ID_DIGITS, content_hash, open_file
from omnisearch.types import Decoded
from omnisearch_indexer.walk import Signature


class LocalFiles:
    """The `Files` of a decoder of this machine."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def identify(self, path: str) -> tuple[Signature, str]:
        """See `Files.identify`."""
        return identify(path)

    def decode(self, path: str) -> Decoded:
        """See `Files.decode`."""
        return self._decoder.decode(Path(path), follow_links=False)


def identify(path: str) -> tuple[Signature, str]:
    """Return the signature of a file and the id of its content.

    Raises:
        MediaError, OSError: the file cannot be read.
    """
    fd = open_file(Path(path), follow_links=False)
    try:
        return Signature.of(os.fstat(fd)), content_hash(fd)[:ID_DIGITS]
    finally:
        os.close(fd)


def close_pieces(decoded: Decoded) -> None:
    """Stop reading a file."""
    with suppress(AttributeError):  # an iterator that holds nothing
        decoded.pieces.close()  # type: ignore[attr-defined]
