"""Decode an open file: detect its kind, then let the decoder of its modality stream the pieces."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

from omnisearch.media.detect import detect
from omnisearch.media.file import Source, check_size
from omnisearch.media.kinds import Kind
from omnisearch.media.library_errors import as_media_error
from omnisearch.media.metadata.collect import read_metadata
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.slices import check_kind
from omnisearch.metadata import NO_METADATA, Metadata
from omnisearch.types import Decoded, Modality, Piece

Decoder: TypeAlias = Callable[[Source, Kind, Segmentation], Decoded]


def decode(source: Source, cut: Segmentation) -> Decoded:
    """Decode one file. A library's own exception becomes a MediaError, here and while pieces are read.

    Raises:
        MediaError: the file is not supported or broken, or has no such slice.
    """
    kind = detect(source)
    check_size(kind, source.size)
    check_kind(source.slice, kind.modality)
    metadata = NO_METADATA if source.slice else read_metadata(source, kind)  # decoders read the file from here on
    try:
        decoded = decoder(kind)(source, kind, cut)
    except Exception as error:
        raise as_media_error(error, kind) from error
    return replace(decoded, info=replace(decoded.info, metadata=metadata), pieces=guarded(decoded.pieces, kind))


def describe(source: Source) -> Metadata:
    """Return the metadata of a file, without decoding it.

    Raises:
        MediaError: the file is not supported.
    """
    kind = detect(source)
    check_size(kind, source.size)
    return read_metadata(source, kind)


def guarded(pieces: Iterator[Piece], kind: Kind) -> Iterator[Piece]:
    """Yield the pieces. A library's own exception becomes a MediaError."""
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
