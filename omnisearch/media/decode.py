"""Decode an open file: detect its kind, then let the decoder of its modality stream the pieces."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from omnisearch.media.detect import detect
from omnisearch.media.file import Source, check_size
from omnisearch.media.kinds import Kind
from omnisearch.media.library_errors import as_media_error
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.slices import check_kind
from omnisearch.types import Decoded, Modality, Piece

Decoder: TypeAlias = Callable[[Source, Kind, Segmentation], Decoded]

VERSION = 3  # raise it whenever the same file would decode to other pieces


def decode(source: Source, cut: Segmentation) -> Decoded:
    """Decode one file. A library's own exception becomes a MediaError, here and while pieces are read.

    Raises:
        MediaError: the file is not supported or broken, or has no such slice.
    """
    kind = detect(source)
    check_size(kind.modality, source.size)
    check_kind(source.part, kind.modality)
    try:
        decoded = decoder(kind)(source, kind, cut)
    except Exception as error:
        raise as_media_error(error, kind) from error
    return Decoded(decoded.info, _guarded(decoded.pieces, kind), decoded.notes)


def _guarded(pieces: Iterator[Piece], kind: Kind) -> Iterator[Piece]:
    try:
        yield from pieces
    except Exception as error:
        raise as_media_error(error, kind) from error


def decoder(kind: Kind) -> Decoder:
    """The decoder of a kind; the module of each modality is imported when it is first needed."""
    if kind.modality is Modality.TEXT:
        from omnisearch.media.text import decode
    elif kind.modality is Modality.IMAGE:
        from omnisearch.media.image import decode
    elif kind.modality is Modality.AUDIO:
        from omnisearch.media.audio import decode
    elif kind.modality is Modality.VIDEO:
        from omnisearch.media.video import decode
    else:
        from omnisearch.media.point_cloud import decode
    return decode
