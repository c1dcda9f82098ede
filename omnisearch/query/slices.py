"""Slices: parse the part of a file that is named after `@` in a term."""

import math
import re

from omnisearch.errors import QueryError
from omnisearch.types import Page, Region, Slice, Stretch

_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
_STRETCH = re.compile(f"{_NUMBER}-{_NUMBER}")
_REGION = re.compile(",".join([_NUMBER] * 4))
_PAGE = re.compile(r"p(\d+)")


def parse_slice(text: str) -> Slice | None:
    """Parse the text after `@` in a term: `12.5-15`, `x,y,w,h` or `p3`. Returns None if it is not a slice.

    A region is in pixels, or in fractions of the sides if any of its numbers has a decimal point.

    Raises:
        QueryError: the text is a slice of zero or infinite extent.
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
