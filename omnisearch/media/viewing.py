"""Make the renditions of a file; the module of each is imported when it is first needed."""

from omnisearch.media.detect import detect
from omnisearch.media.file import Source
from omnisearch.media.rendition import Rendition


def render(source: Source, rendition: Rendition) -> bytes | None:
    """Make a rendition of a file; None if its modality has none.

    Raises:
        MediaError: as decoding the file does.
    """
    if rendition is Rendition.GLB:
        from omnisearch.media.glb import glb

        return glb(source) if detect(source).modality in rendition.suits else None
    if rendition is Rendition.PEAKS:
        from omnisearch.media.peaks import peaks

        return peaks(source)
    from omnisearch.media import preview

    return preview.preview(source, preview.LARGE if rendition is Rendition.LARGE else preview.SMALL)
