"""A hit, as the command line prints it too."""

from typing import Literal

from pydantic import BaseModel

from omnisearch.schema.segment import SpanOut
from omnisearch.types import Modality


class ScoredSpanOut(SpanOut):
    """One of the best segments of an item with its cosine."""

    score: float


class MatchOut(BaseModel):
    """The contribution of one term to a hit. `factors`, `spaces` and `unsplit` are set if the query has `explain`."""

    term: str
    weight: float
    contribution: float
    factors: dict[str, float] = {}
    spaces: dict[str, float] = {}
    unsplit: str = ""


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

    `segment` is null for a hit on a whole item. `missing` is true if there is no file at `path` any more.
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
    explanation: FindingOut | None = None
