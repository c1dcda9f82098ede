"""Places in a file."""

from pydantic import BaseModel

from omnisearch.schema.segment import SpanOut
from omnisearch.types import Modality


class RegionOut(BaseModel):
    """A rectangle of an image, in shares of its width and height from the top left corner."""

    x: float
    y: float
    width: float
    height: float


class AtOut(BaseModel):
    """Where something is: a stretch of time or text, or a region. `slice` is how a term of a query names it."""

    segment: SpanOut | None
    region: RegionOut | None
    slice: str | None
    score: float
    relevance: float


class OfQuery(BaseModel):
    """Of which sum of the query something is said."""

    query: str


class OfFile(BaseModel):
    """Of which file something is said."""

    path: str


class PartOut(AtOut, OfQuery):
    """Where one sum of the query was found."""


class PlaceOut(AtOut, OfFile):
    """A place that matches, as the command line prints it too."""

    parts: list[PartOut]


class LocateOut(BaseModel):
    """The places of a file that match, the best first; `windows` of it were looked at."""

    modality: Modality
    windows: int
    nothing_matches: bool
    places: list[PlaceOut]
