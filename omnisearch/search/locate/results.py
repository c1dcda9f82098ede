"""Places: what locating finds in a file."""

from dataclasses import dataclass

from omnisearch.search.rank.calibration import nothing_matches
from omnisearch.types import Modality, Region, Segment, Slice, Stretch

At = Segment | Region


@dataclass(frozen=True)
class Part:
    """A sum of the query, and how it was judged in a place; those of THEN each at a moment of its own."""

    query: str
    at: At
    score: float
    relevance: float


@dataclass(frozen=True)
class Place:
    """A part of a file that stands out. `score`, `relevance` and `parts` are those of the best window within it.

    Of an expression `score` is that of the sum that decided, as in a hit.
    """

    at: At
    score: float
    relevance: float
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Located:
    """What was found in a file, best first, and how many windows were looked at."""

    modality: Modality
    places: tuple[Place, ...]
    windows: int

    @property
    def nothing_matches(self) -> bool:
        """Whether the best place only stands out the least badly."""
        return nothing_matches((place.relevance for place in self.places), self.windows)


def slice_of(at: At) -> Slice | None:
    """What a term that means this place says after its @; passages of text have no such thing."""
    if isinstance(at, Region):
        return at
    if at.unit == "characters" or at.start is None or at.end is None:
        return None
    return Stretch(at.start, at.end)
