"""The small preview of a file from the pieces that decoding it yields."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from omnisearch.media.previews.waveform import Envelope
from omnisearch.media.previews.webp import SMALL, webp
from omnisearch.types import Clip, Decoded, Modality, Piece, Pixels, Waveform

# The standard deviation of the values of a frame that is not blank.
_CLEAR = 40.0


def with_preview(decoded: Decoded) -> Decoded:
    """Return `decoded` with a preview: a picture reduced, the first frame of a film that is not blank, a waveform.

    A decoder that makes one itself keeps it.
    """
    seen = _Seen()
    if decoded.info.modality in (Modality.TEXT, Modality.POINT_CLOUD):
        return decoded
    return replace(decoded, pieces=seen.watch(decoded.pieces), preview=seen.preview)


class _Seen:
    """The pixels and the loudness of the pieces that have passed."""

    def __init__(self) -> None:
        self._pixels: Pixels | None = None
        self._spread = -1.0
        self._envelope = Envelope()

    def watch(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Yield the pieces."""
        for piece in pieces:
            match piece.content:
                case Waveform():
                    self._envelope.add(piece.content, piece.segment.start or 0.0)
                case Clip():
                    self._choose(piece.content.frames)
                case _:
                    self._pixels = cast(Pixels, piece.content)
            yield piece

    def preview(self) -> bytes | None:
        """The preview of these pieces, as a WebP file."""
        pixels = self._envelope.draw(SMALL) if self._pixels is None else self._pixels
        return None if pixels is None else webp(pixels, SMALL)

    def _choose(self, frames: Pixels) -> None:
        for frame in frames:
            if self._spread > _CLEAR:
                return
            spread = float(frame[::4, ::4].std())
            if spread > self._spread:
                self._pixels, self._spread = frame.copy(), spread
