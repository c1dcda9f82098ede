"""Decode the material of an open file."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from omnisearch.media.decode import guarded
from omnisearch.media.detect import detect
from omnisearch.media.file import Source, check_size
from omnisearch.media.kinds import Kind
from omnisearch.media.library_errors import as_media_error
from omnisearch.media.material.wanted import Wanted
from omnisearch.types import Decoded, MediaInfo, Modality, Piece, Segment

# The modality of the pieces.
_MODALITIES: Mapping[str, Modality] = {
    "pictures": Modality.IMAGE,
    "sound": Modality.AUDIO,
    "subtitles": Modality.TEXT,
}


def open_material(source: Source, wanted: Wanted) -> Decoded:
    """Decode the wanted material of a file; a file without any gives no pieces.

    Raises:
        MediaError: as decoding the file does.
    """
    kind = detect(source)
    check_size(kind, source.size)
    notes: list[str] = []
    try:
        pieces = _pieces(source, kind, wanted, notes)
    except Exception as error:
        raise as_media_error(error, kind) from error
    return Decoded(MediaInfo(_MODALITIES[wanted.kind], kind.mime), guarded(pieces, kind), notes)


def _pieces(source: Source, kind: Kind, wanted: Wanted, notes: list[str]) -> Iterator[Piece]:
    match wanted.kind, kind.modality:
        case "pictures", Modality.IMAGE:
            from omnisearch.media.image import read

            return iter([Piece(Segment(), read(replace(source, side=wanted.side), kind, notes))])
        case "pictures", Modality.TEXT if kind.format == "pdf":
            from omnisearch.media.material.pages import pages

            return pages(source, wanted, notes)
        case "pictures", Modality.VIDEO:
            from omnisearch.media.material.frames import frames

            return frames(source, wanted, notes)
        case "sound", Modality.AUDIO | Modality.VIDEO:
            from omnisearch.media.material.voice import voice

            return voice(source, kind)
        case "subtitles", Modality.AUDIO | Modality.VIDEO:
            from omnisearch.media.material.subtitles import subtitles

            return subtitles(source, wanted, notes)
    return iter(())
