"""The result of locating: the parts of a file that match."""

from dataclasses import dataclass

from omnisearch.search.rank.calibration import nothing_matches
from omnisearch.types import Modality, Region, Segment, Slice, Stretch

Extent = Segment | Region


@dataclass(frozen=True)
class LocationPart:
    """How one sum of the query matched at a location. Each sum of THEN has a moment of its own."""

    query: str
    at: Extent
    score: float
    relevance: float


@dataclass(frozen=True)
class Location:
    """A part of a file that stands out. `score`, `relevance` and `parts` are those of the best window within it.

    Of an expression `score` is that of the sum that decided, as in a hit.
    """

    at: Extent
    score: float
    relevance: float
    parts: tuple[LocationPart, ...]


@dataclass(frozen=True)
class Located:
    """What was found in a file, best first, and how many windows were looked at."""

    modality: Modality
    places: tuple[Location, ...]
    windows: int

    @property
    def nothing_matches(self) -> bool:
        """Whether the best place only stands out the least badly."""
        return nothing_matches((place.relevance for place in self.places), self.windows)


def slice_of(at: Extent) -> Slice | None:
    """Return the slice that a term for this location has after its `@`; None for passages of text."""
    if isinstance(at, Region):
        return at
    if at.unit == "characters" or at.start is None or at.end is None:
        return None
    return Stretch(at.start, at.end)
