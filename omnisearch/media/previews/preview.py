"""Previews: a small WebP picture of the content of a file."""

from dataclasses import replace

from omnisearch.media.detect import detect
from omnisearch.media.file import Source, check_size
from omnisearch.media.kinds import Kind
from omnisearch.media.previews.waveform import Envelope
from omnisearch.media.previews.webp import LARGE, SMALL, webp
from omnisearch.media.segmentation import Segmentation
from omnisearch.types import Modality, Pixels, Waveform

# Pixels of a picture of a 3D object. The GLB rendition shows more.
_OBJECT_SIDES = {SMALL: 256, LARGE: 512}
_STEP = Segmentation(seconds=2.0, overlap=0.0, characters=1000, character_overlap=0)


def preview(source: Source, side: int = SMALL) -> bytes | None:
    """The picture: a thumbnail, the poster frame of a video, a rendering, a waveform, the cover of a document.

    None for other texts.

    Its longer side is at most `side` pixels. A rendering and a waveform have a transparent ground.

    Raises:
        MediaError: as decoding the file does.
    """
    kind = detect(source)
    check_size(kind, source.size)
    pixels = _picture(replace(source, side=side), kind)
    return None if pixels is None else webp(pixels, side)


def _picture(source: Source, kind: Kind) -> Pixels | None:
    match kind.modality:
        case Modality.TEXT:
            from omnisearch.media.previews.cover import cover

            return cover(source, kind)
        case Modality.IMAGE:
            from omnisearch.media.image import read as read_image

            return read_image(source, kind, [])
        case Modality.VIDEO:
            from omnisearch.media.video import poster

            pixels = poster(source)
            return _waveform(source, kind) if pixels is None else pixels
        case Modality.AUDIO:
            return _waveform(source, kind)
        case Modality.POINT_CLOUD:
            from omnisearch.media.drawing.picture import Drawing
            from omnisearch.media.objects import load

            return Drawing(load(source, kind, []), []).poster(_OBJECT_SIDES[source.side])


def _waveform(source: Source, kind: Kind) -> Pixels | None:
    from omnisearch.media.decode import decoder

    envelope = Envelope()
    for piece in decoder(kind)(source, kind, _STEP).pieces:
        if isinstance(piece.content, Waveform):
            envelope.add(piece.content, piece.segment.start or 0.0)
        if envelope.is_full:
            break
    return envelope.draw(source.side)
