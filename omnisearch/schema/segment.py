"""Parts of an item."""

from pydantic import BaseModel

# The bounds of a segment of a text are counted in whole characters.
Number = int | float


class SpanOut(BaseModel):
    """A span from `start` to `end` in `unit`: seconds or characters.

    `part` names the page, slide, sheet or chapter of a document in which the span begins.
    """

    start: Number
    end: Number
    unit: str
    part: str = ""


class SegmentOut(BaseModel):
    """A part of an item. A whole image or 3D model has no bounds; `part` is that of a span."""

    index: int
    start: Number | None
    end: Number | None
    unit: str | None
    part: str
    snippet: str
