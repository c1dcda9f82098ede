"""From an open file to its content: detect it, then let its modality's decoder stream the pieces."""

from collections.abc import Callable
from typing import TypeAlias

from omnisearch.errors import MediaError, Reason
from omnisearch.media.detect import Kind, detect
from omnisearch.media.file import Source, check_size
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.slices import check_kind
from omnisearch.types import Decoded, Modality

Decoder: TypeAlias = Callable[[Source, Kind, Segmentation], Decoded]

VERSION = 1  # raise it whenever the same file would decode to other pieces


def decode(source: Source, cut: Segmentation) -> Decoded:
    """Decode one file. A library's own exception becomes a MediaError, here and while pieces are read.

    Raises:
        MediaError: the file is not supported or broken, or has no such slice.
    """
    kind = detect(source)
    check_size(kind.modality, source.size)
    check_kind(source.part, kind.modality)
    return decoder(kind)(source, kind, cut)


def as_media_error(error: Exception) -> MediaError:
    """The MediaError that tells the outside what a library raised."""
    if isinstance(error, MediaError):
        return error
    if isinstance(error, MemoryError):
        return MediaError(Reason.MEMORY_LIMIT)
    detail = " ".join(f"{type(error).__name__}: {error}".split())
    return MediaError(Reason.DECODE_ERROR, "".join(c if c.isprintable() else "?" for c in detail)[:200])


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
