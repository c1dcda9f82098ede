"""Limits on the size of a picture, checked before its pixels are decoded."""

from omnisearch.errors import MediaError, Reason

LONGER_SIDE = 1024
MAX_PIXELS = 64_000_000
MIN_SIDE = 2
MAX_ASPECT = 200


def check_size(width: int, height: int, reduced: int = 1) -> None:
    """Check the size of a picture that is decoded at 1/`reduced` of its width and height.

    Raises:
        MediaError: too_many_pixels or degenerate_aspect.
    """
    if width * height > MAX_PIXELS * reduced**2:
        at = f", decoded at 1/{reduced} of its sides" if reduced > 1 else ""
        raise MediaError(Reason.TOO_MANY_PIXELS, f"{width} x {height}{at}, the limit is {MAX_PIXELS:,} pixels")
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_ASPECT * min(width, height):
        raise MediaError(Reason.DEGENERATE_ASPECT, f"{width} x {height}")
