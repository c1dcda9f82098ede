"""Locations in a file."""

from pydantic import BaseModel

from omnisearch.schema.segment import SpanOut
from omnisearch.types import Modality


class RegionOut(BaseModel):
    """A rectangle of an image, in fractions of its width and height from the top left corner."""

    x: float
    y: float
    width: float
    height: float


class AtOut(BaseModel):
    """A part of a file: a stretch of time or text, or a region. `slice` names it in a term of a query."""

    segment: SpanOut | None
    region: RegionOut | None
    slice: str | None
    score: float
    relevance: float


class OfQuery(BaseModel):
    """The sum of the query that matched."""

    query: str


class OfFile(BaseModel):
    """The file that was searched."""

    path: str


class PartOut(AtOut, OfQuery):
    """The location of one sum of the query."""


class PlaceOut(AtOut, OfFile):
    """A location that matches, as the command line also prints it.

    A location of words that were read in the file has their `field`, `ocr` or `speech`, and their `text` with the
    matched words at `marks`, pairs of offsets in characters.
    """

    field: str = ""
    text: str = ""
    marks: list[tuple[int, int]] = []
    parts: list[PartOut]


class LocateOut(BaseModel):
    """The locations of a file that match, the best first. `windows` is the number of windows that were scored."""

    modality: Modality
    windows: int
    nothing_matches: bool
    places: list[PlaceOut]
