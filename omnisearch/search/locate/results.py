"""The result of locating: the parts of a file that match."""

from dataclasses import dataclass

from omnisearch.search.rank.calibration import nothing_matches
from omnisearch.types import Modality, Region, Segment, Slice, Stretch

Extent = Segment | Region


@dataclass(frozen=True)
class LocationPart:
    """The match of one sum of the query at a location. With THEN, each sum matches at its own moment."""

    query: str
    at: Extent
    score: float
    relevance: float


@dataclass(frozen=True)
class MarkedText:
    """A text that was read in a file, with the matched words at `marks`, pairs of offsets in characters."""

    field: str
    text: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Location:
    """A part of a file that matches. `score`, `relevance` and `parts` are those of the best window within it.

    For an expression with operators, `score` is that of the sum that decided, as in a hit. A location of words has
    their `text`; its score is the share of the query's words in it.
    """

    at: Extent
    score: float
    relevance: float
    parts: tuple[LocationPart, ...]
    text: MarkedText | None = None


@dataclass(frozen=True)
class Located:
    """The locations found in a file, best first, and the number of windows that were scored."""

    modality: Modality
    places: tuple[Location, ...]
    windows: int

    @property
    def nothing_matches(self) -> bool:
        """True if even the best location is probably no match."""
        return nothing_matches((location.relevance for location in self.places), self.windows)


def slice_of(at: Extent) -> Slice | None:
    """Return the slice that names this location after the `@` of a term; None for passages of text."""
    if isinstance(at, Region):
        return at
    if at.unit == "characters" or at.start is None or at.end is None:
        return None
    return Stretch(at.start, at.end)
