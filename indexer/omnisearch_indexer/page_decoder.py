"""A decoder that also reads the pages of a PDF without text, such as scans, by character recognition."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path

from omnisearch.errors import MediaError, Reason
from omnisearch.media.pool import DecoderPool
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.text import MAX_CHARACTERS
from omnisearch.media.texts.parts import Part, joined
from omnisearch.media.texts.passages import passages
from omnisearch.metadata import Metadata
from omnisearch.reading.item import read_pages
from omnisearch.reading.reader import Level, Reader
from omnisearch.types import Decoded, MediaInfo, Modality, Piece, Segment, Slice
from omnisearch_indexer.unread_pages import PDF, no_text


class PageDecoder:
    """A `Decoder` for the indexer. The passages of pages without text follow those of the other pages.

    `version` is that of the readings of documents.
    """

    def __init__(self, pool: DecoderPool, reader: Reader, level: Level, version: str, cut: Segmentation) -> None:
        self._pool, self._reader, self._level, self._version, self._cut = pool, reader, level, version, cut

    def decode(
        self,
        path: Path,
        follow_links: bool = True,
        part: Slice | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Decoded:
        """Decode a file as the pool does; a PDF without any text is refused only if none is recognized either.

        Raises:
            MediaError, StoppedError: as `DecoderPool.decode`.
        """
        try:
            decoded = self._pool.decode(path, follow_links, part, stopped)
        except MediaError as error:
            if error.reason is not Reason.EMPTY_TEXT or path.suffix.lower() not in PDF.suffixes:
                raise
            notes: list[str] = []
            pieces = self._recognized(path, 0, 0.0, notes, stopped)
            first = next(pieces, None)
            if first is None:
                raise MediaError(Reason.EMPTY_TEXT, no_text(self._version, notes)) from None
            info = MediaInfo(Modality.TEXT, PDF.mime, metadata=self.describe(path, follow_links))
            return Decoded(info, chain([first], pieces), notes, lambda: self._pool.cover(path, follow_links))
        if decoded.info.mime != PDF.mime or part is not None:
            return decoded
        return replace(decoded, pieces=self._both(path, decoded, stopped))

    def describe(self, path: Path, follow_links: bool = True) -> Metadata:
        """Read the metadata of a file as the pool does."""
        return self._pool.describe(path, follow_links)

    def passages(self, text: str) -> list[str]:
        """Cut a text into passages as the pool does."""
        return self._pool.passages(text)

    def close(self) -> None:
        """Stop the workers of the pool."""
        self._pool.close()

    def _both(self, path: Path, decoded: Decoded, stopped: Callable[[], bool]) -> Iterator[Piece]:
        index, end = 0, 0.0
        with closing(decoded.pieces):  # type: ignore[type-var]  # the pool's pieces hold a worker
            for piece in decoded.pieces:
                index, end = piece.segment.index + 1, piece.segment.end or float(len(str(piece.content)))
                yield piece
        yield from self._recognized(path, index, end, decoded.notes, stopped)

    def _recognized(
        self, path: Path, index: int, end: float, notes: list[str], stopped: Callable[[], bool]
    ) -> Iterator[Piece]:
        """Yield the passages of the pages without text as the segments from `index`, beginning at character `end`."""
        found = read_pages(self._pool, self._reader, path, self._level, stopped)
        with closing(found.pages):  # type: ignore[type-var]  # a generator, which holds a decoder
            parts = (Part(f"page {number}", ["\n".join(line.text for line in lines)]) for number, lines in found.pages)
            words = joined(parts, MAX_CHARACTERS, notes)
            if (first := next(words, None)) is not None:
                for piece in passages(chain([first], words), self._cut):
                    yield piece if index == 0 else _moved(piece, index, end)
        notes += found.notes


def _moved(piece: Piece, index: int, end: float) -> Piece:
    segment = piece.segment
    start = end + (segment.start or 0.0)
    length = len(str(piece.content))
    moved = Segment(segment.index + index, start, start + length, "characters", segment.part)
    return Piece(moved, piece.content, piece.snippet)
