"""Answers to queries."""

from pydantic import BaseModel

from omnisearch.schema.hit import HitOut
from omnisearch.schema.problem import Problem


class SearchOut(BaseModel):
    """The hits of a query, the best first, and where the time went, in milliseconds by stage.

    `next_cursor` asks for the next page. `nothing_matches` says that the best hit is only the least bad.
    """

    hits: list[HitOut]
    took_ms: dict[str, float]
    next_cursor: str | None
    nothing_matches: bool


class FailedOut(BaseModel):
    """The problem document of a query that is wrong."""

    error: Problem


class SearchBatchOut(BaseModel):
    """For each query, in order, its answer or its error. `took_ms` of every answer is that of all of them together."""

    results: list[SearchOut | FailedOut]
