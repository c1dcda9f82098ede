"""Make the renditions of a file; the module of each is imported when it is first needed."""

from dataclasses import replace

from omnisearch.media.detect import detect
from omnisearch.media.file import Source
from omnisearch.media.rendition import AnyRendition, Frame, PagePicture, Rendition


def render(source: Source, rendition: AnyRendition) -> bytes | None:
    """Make a rendition of a file; None if its modality has none.

    Raises:
        MediaError: as decoding the file does.
    """
    if rendition is Rendition.GLB:
        from omnisearch.media.glb import glb

        kind = detect(source)
        return glb(source) if rendition.suits(kind.modality, kind.mime) else None
    if rendition is Rendition.PEAKS:
        from omnisearch.media.peaks import peaks

        return peaks(source)
    from omnisearch.media.previews.webp import LARGE, SMALL, webp

    if isinstance(rendition, Frame):
        from omnisearch.media.previews.frame import frame

        kind = detect(source)
        fits = rendition.suits(kind.modality, kind.mime)
        pixels = frame(replace(source, side=SMALL), rendition.second) if fits else None
        return None if pixels is None else webp(pixels, SMALL)
    if isinstance(rendition, PagePicture):
        from omnisearch.media.previews.cover import page_picture

        pixels = page_picture(replace(source, side=LARGE), detect(source), rendition.number)
        return None if pixels is None else webp(pixels, LARGE)
    from omnisearch.media.previews.preview import preview

    return preview(source, LARGE if rendition is Rendition.LARGE else SMALL)
