"""Areas: a part of the map of a collection, as the corners of a polygon in the coordinates of the map."""

import re
from collections.abc import Sequence
from typing import TypeAlias

from omnisearch.errors import QueryError

# The corners (x, y) in order; no corners are the whole map and the items beside it.
Area: TypeAlias = tuple[tuple[float, float], ...]

MIN_CORNERS, MAX_CORNERS = 3, 100
MAX_COORDINATE = 10.0  # the map is from -1 to 1; an area may extend beyond it
_NUMBER = r"-?[0-9]{1,2}(?:\.[0-9]{1,17})?"
AREA_PATTERN = rf"^({_NUMBER},{_NUMBER}(;{_NUMBER},{_NUMBER}){{{MIN_CORNERS - 1},{MAX_CORNERS - 1}}})?$"


def parse_area(text: str) -> Area:
    """Parse the corners of an area: `-0.5,0;0.5,0;0,0.75`. An empty text is no area.

    Raises:
        QueryError: the text is malformed, or there are too few or too many corners.
    """
    if not re.fullmatch(AREA_PATTERN, text):
        raise QueryError(
            f"the area {text[:50]!r} is not written like -0.5,0;0.5,0;0,0.75: the x and y of {MIN_CORNERS} to "
            f"{MAX_CORNERS} corners on the map, which is from -1 to 1"
        )
    corners = (corner.split(",") for corner in text.split(";")) if text else ()
    return tuple((float(x), float(y)) for x, y in corners)


def write_area(corners: Sequence[tuple[float, float]]) -> str:
    """The inverse of `parse_area`."""
    return ";".join(f"{x:.6f},{y:.6f}" for x, y in corners)
