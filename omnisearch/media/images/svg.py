"""SVG: draw a safe copy of the document with resvg."""

from io import BytesIO

from PIL import Image

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.images.svg_document import safe_document
from omnisearch.media.kinds import Kind


def read(source: Source, kind: Kind, notes: list[str]) -> tuple[Image.Image, tuple[int, int]]:  # noqa: ARG001
    """Draw a picture so that its longer side is 1024 pixels; regions use these pixels.

    Raises:
        MediaError: damaged, unsupported_format, too_large, too_many_pixels or degenerate_aspect.
    """
    import resvg_py

    source.file.seek(0)
    document = safe_document(source.file.read())
    try:
        drawn = resvg_py.svg_to_bytes(svg_string=document.text, skip_system_fonts=not document.has_words)
    except ValueError as error:
        raise MediaError(Reason.DAMAGED, f"svg: {error}") from None
    image = Image.open(BytesIO(drawn), formats=["PNG"])
    image.load()
    return image, image.size
