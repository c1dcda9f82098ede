"""Answers to queries."""

from pydantic import BaseModel

from omnisearch.schema.hit import HitOut
from omnisearch.schema.problem import Problem
from omnisearch.types import Modality


class SearchOut(BaseModel):
    """The hits of a query, the best first. `took_ms` has the milliseconds of each stage.

    `next_cursor` is the `cursor` of the next page. `nothing_matches` is true if even the best hit is hardly relevant.
    Hits that are less relevant than `cut` are expected by chance. `matching` counts the items of each modality that
    reach it, near-duplicates once; there may be more of them if the last hit reaches it too.
    """

    hits: list[HitOut]
    took_ms: dict[str, float]
    next_cursor: str | None
    nothing_matches: bool
    cut: float = 0.0
    matching: dict[Modality, int] = {}


class FailedOut(BaseModel):
    """The problem document of a query that failed."""

    error: Problem


class SearchBatchOut(BaseModel):
    """The answer or the error of each query, in order. `took_ms` of each answer is the time of the whole batch."""

    results: list[SearchOut | FailedOut]
