"""Slices: the part of a file that is meant, as it is written and whether the file has it."""

import math
import re

from omnisearch.errors import MediaError, QueryError, Reason
from omnisearch.types import Modality, Page, Region, Slice, Stretch

_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_STRETCH = re.compile(f"{_NUMBER}-{_NUMBER}")
_REGION = re.compile(",".join([_NUMBER] * 4))
_PAGE = re.compile(r"p(\d+)")
# Seconds by which a stretch may be longer than its sound: what players show is rounded.
ROUNDED = 0.1

_SLICED: dict[type[Slice], tuple[Modality, ...]] = {
    Stretch: (Modality.AUDIO, Modality.VIDEO),
    Region: (Modality.IMAGE,),
    Page: (Modality.TEXT,),
}


def read_slice(text: str) -> Slice | None:
    """Read what follows the @ of a term: `12.5-15`, `x,y,w,h` or `p3`; None where it is nothing of the kind.

    A region is in pixels, or in shares of the sides as soon as one of its numbers has a decimal point.

    Raises:
        QueryError: it is written like a slice and has no extent.
    """
    found: Slice
    if match := _STRETCH.fullmatch(text):
        found = Stretch(float(match[1]), float(match[2]))
        empty = not found.start < found.end < math.inf
    elif match := _REGION.fullmatch(text):
        x, y, width, height = (float(number) for number in match.groups())
        found = Region(x, y, width, height, relative="." in text)
        empty = not (0 < width < math.inf and 0 < height < math.inf)
    elif match := _PAGE.fullmatch(text):
        found = Page(int(match[1]))
        empty = found.number == 0
    else:
        return None
    if empty:
        raise QueryError(f"@{text} has no extent: write @START-END in seconds, @x,y,width,height, or @p1 for a page")
    return found


def check_kind(part: Slice | None, modality: Modality) -> None:
    """Refuse a slice that is none of this modality.

    Raises:
        MediaError: bad_slice.
    """
    if part is not None and modality not in _SLICED[type(part)]:
        kinds = " or ".join(_SLICED[type(part)])
        raise MediaError(Reason.BAD_SLICE, f"@{part} is a part of {kinds}, and the file is {modality}")


def check_seconds(part: Stretch | None, seconds: float | None) -> None:
    """Refuse a stretch that is not within `seconds`, where they are known.

    Raises:
        MediaError: bad_slice, with the real end.
    """
    if part is not None and seconds is not None and (part.end > seconds + ROUNDED or part.start >= seconds):
        raise MediaError(Reason.BAD_SLICE, f"@{part} lies outside of 0-{seconds:.10g} seconds")


def pixels_of(part: Region, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the left, upper, right and lower edge of a region of an image of `width` x `height` pixels.

    Raises:
        MediaError: bad_slice, with the real sides.
    """
    across, down = (width, height) if part.relative else (1, 1)
    edges = (part.x * across, part.y * down, (part.x + part.width) * across, (part.y + part.height) * down)
    left, upper, right, lower = (round(edge) for edge in edges)
    if right > width or lower > height:
        raise MediaError(Reason.BAD_SLICE, f"@{part} lies outside of {width} x {height} pixels")
    if right - left < 1 or lower - upper < 1:
        raise MediaError(Reason.BAD_SLICE, f"@{part} holds no pixel of {width} x {height}")
    return left, upper, right, lower
