"""A hit, as the command line prints it too."""

from typing import Literal

from pydantic import BaseModel

from omnisearch.schema.segment import SpanOut
from omnisearch.types import Modality


class ScoredSpanOut(SpanOut):
    """One of the best segments of an item with its cosine."""

    score: float


class MatchOut(BaseModel):
    """The contribution of one term to a hit. `factors`, `spaces` and `unsplit` are set if the query has `explain`.

    If a text of the item matched, `field` says which: `name`, `passage`, `ocr`, `speech`, `caption` and others. `text`
    is a part of it with the matched words at `marks`, pairs of offsets in characters. `start` and `end` are its
    seconds, and `box` is its place in a picture or a frame: x, y, width and height, as shares of the sides.
    """

    term: str
    weight: float
    contribution: float
    factors: dict[str, float] = {}
    spaces: dict[str, float] = {}
    unsplit: str = ""
    field: str = ""
    text: str = ""
    marks: list[tuple[int, int]] = []
    start: float | None = None
    end: float | None = None
    box: tuple[float, float, float, float] | None = None


class FindingOut(BaseModel):
    """Why a hit is relevant: an expression with its scores. A sum has no parts; only a sum has the last three fields.

    `odds` is null if the part cannot match.
    """

    op: Literal["sum", "and", "or", "not", "then"]
    relevance: float
    odds: float | None
    segment: SpanOut | None
    parts: "list[FindingOut]" = []
    query: str = ""
    score: float = 0.0
    calibration: dict[str, float] = {}


class HitOut(BaseModel):
    """An item that was found. `score` is a cosine; `relevance` in [0, 1] can be compared across modalities.

    `segment` is null for a hit on a whole item. `missing` is true if there is no file at `path` any more. `mtime` is
    the time of the file's last change, in seconds since 1970; `taken` is the time at which it was taken, or null if
    that is unknown. `placeholder` is a ThumbHash in base64, to be shown until the preview has loaded, and `aspect` the
    preview's width / height; both are null while there is no preview, and on the command line. `group` is the modality
    or the day of the hit, such as 2023-07-14, if the query asks for groups.
    """

    id: str
    path: str
    modality: Modality
    score: float
    relevance: float
    segment: SpanOut | None
    segments: list[ScoredSpanOut]
    duplicates: list[str]
    matched_by: list[MatchOut]
    snippet: str
    mime: str
    missing: bool = False
    notes: list[str]
    mtime: float
    taken: float | None
    placeholder: str | None = None
    aspect: float | None = None
    group: str = ""
    explanation: FindingOut | None = None
