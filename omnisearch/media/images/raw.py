"""Camera raw pictures: read the preview that the camera stored, else the sensor values at half size."""

from io import BytesIO
from typing import Any

from PIL import Image, ImageOps

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.images.limits import LONGER_SIDE, check_size
from omnisearch.media.images.partial import broken
from omnisearch.media.kinds import Kind

_TURNS = {3: Image.Transpose.ROTATE_180, 5: Image.Transpose.ROTATE_90, 6: Image.Transpose.ROTATE_270}


def read(source: Source, kind: Kind, notes: list[str]) -> tuple[Image.Image, tuple[int, int]]:
    """Read a raw picture; also return the upright width and height of the sensor image.

    Raises:
        MediaError: too_many_pixels, unsupported_format or damaged.
    """
    import rawpy

    half = source.slice is None
    source.file.seek(0)
    try:
        with rawpy.imread(source.file) as raw:
            width, height, turn = raw.sizes.width, raw.sizes.height, raw.sizes.flip
            check_size(width, height, 2 if half else 1)
            sides = (height, width) if turn in (5, 6) else (width, height)
            preview = _preview(raw, turn)
            if half and preview is not None and max(preview.size) >= LONGER_SIDE // 2:
                return preview, sides
            try:
                values = raw.postprocess(half_size=half, use_camera_wb=True, output_bps=8)
            except rawpy.LibRawError:
                if preview is None:
                    raise
                notes.append(f"partly read: only the preview of {preview.width} x {preview.height} pixels")
                return preview, sides
            return Image.fromarray(values), sides
    except (rawpy.LibRawFileUnsupportedError, rawpy.NotSupportedError):
        raise MediaError(Reason.UNSUPPORTED_FORMAT, f"no known camera wrote this {source.suffix} file") from None
    except rawpy.LibRawError:
        raise broken(kind) from None


def _preview(raw: Any, turn: int) -> Image.Image | None:
    """The largest preview, upright; None if no preview can be read."""
    import rawpy

    try:
        found = raw.extract_thumb()
        if found.format == rawpy.ThumbFormat.BITMAP:
            image = Image.fromarray(found.data)
        else:
            image = Image.open(BytesIO(found.data), formats=["JPEG"])
            check_size(*image.size)
            image.load()
            if image.getexif().get(0x0112, 1) != 1:  # the preview has its own orientation
                return ImageOps.exif_transpose(image)
    except Exception:  # the sensor values may still decode
        return None
    return image.transpose(_TURNS[turn]) if turn in _TURNS else image
