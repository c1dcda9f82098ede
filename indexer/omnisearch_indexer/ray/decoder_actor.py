"""The actor that hashes and decodes files on its node. A sandboxed process of its own parses them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from omnisearch.config import Settings
from omnisearch.errors import MediaError, Reason
from omnisearch.media.pool import DecoderPool
from omnisearch.media.system_errors import reason_and_detail
from omnisearch.media.versions import fingerprint
from omnisearch.types import Content, Decoded, MediaInfo, Piece, Segment
from omnisearch_indexer.local_files import close_pieces, identify
from omnisearch_indexer.reader_queue import content_bytes
from omnisearch_indexer.walk import Signature

# Passages are sent together until they hold so many characters.
TEXT_CHARACTERS = 64 << 10


@dataclass(frozen=True, eq=False)
class Heading:
    """A piece without its content, which takes `nbytes` bytes."""

    segment: Segment
    snippet: str
    nbytes: int


@dataclass(frozen=True, eq=False)
class Answer:
    """The next part of a file: passages, then the heading of a piece whose content is sent apart.

    `info` is that of the first answer of a file. `notes` and `preview` are complete once it `ended`. `failure` says why
    the file cannot be read, or read on.
    """

    info: MediaInfo | None = None
    passages: tuple[Piece, ...] = ()
    heading: Heading | None = None
    ended: bool = False
    notes: tuple[str, ...] = ()
    preview: bytes | None = None
    failure: tuple[Reason, str] | None = None


class DecoderActor:
    """Reads one file at a time. Its methods return errors of files as values, because Ray wraps exceptions."""

    def __init__(self, settings: Settings, shorter_side: int | None) -> None:
        self._version = fingerprint(settings)
        self._pool = DecoderPool(settings, 1, previews=True, shorter_side=shorter_side)
        self._decoded: Decoded | None = None
        self._pieces: Iterator[Piece] = iter(())

    def version(self) -> str:
        """Return the version of decoding on this node."""
        return self._version

    def identify(self, path: str) -> tuple[Signature, str] | tuple[Reason, str]:
        """Return the signature of a file and the id of its content, or why it cannot be read."""
        try:
            return identify(path)
        except (MediaError, OSError) as error:
            return reason_and_detail(error)

    def decode(self, path: str, skip: int = 0) -> tuple[Answer, Content | None]:
        """Begin a file, and drop the first `skip` pieces. Return its first part and a content."""
        self.close()
        try:
            self._decoded = self._pool.decode(Path(path), follow_links=False)
            self._pieces = self._decoded.pieces
            for _ in range(skip):
                next(self._pieces, None)
        except (MediaError, OSError) as error:
            return Answer(failure=reason_and_detail(error)), None
        return self.next(self._decoded.info)

    def next(self, info: MediaInfo | None = None) -> tuple[Answer, Content | None]:
        """Return the next part of the file and a content."""
        assert self._decoded is not None
        passages: list[Piece] = []
        characters = 0
        try:
            for piece in self._pieces:
                if not isinstance(piece.content, str):
                    heading = Heading(piece.segment, piece.snippet, content_bytes(piece.content))
                    return Answer(info, tuple(passages), heading), piece.content
                passages.append(piece)
                characters += len(piece.content)
                if characters >= TEXT_CHARACTERS:
                    return Answer(info, tuple(passages)), None
        except MediaError as error:
            return Answer(info, tuple(passages), failure=reason_and_detail(error)), None
        notes, preview = tuple(self._decoded.notes), self._decoded.preview()
        return Answer(info, tuple(passages), ended=True, notes=notes, preview=preview), None

    def close(self) -> None:
        """Stop reading the current file."""
        if self._decoded is not None:
            close_pieces(self._decoded)
        self._decoded, self._pieces = None, iter(())
