"""What the API reads and writes. Unknown fields are refused; every string and every number is bounded."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from omnisearch.api.expressions import MAX_TERMS, Asking, ItemId, Strict, Upload, expression, terms_of
from omnisearch.api.words import SafeText
from omnisearch.errors import QueryError
from omnisearch.query import Query, Quota
from omnisearch.stores.base import Payload
from omnisearch.types import Modality
from omnisearch.where import MAX_CONDITIONS, parse_condition, parse_conditions

MAX_HITS = 200


def _condition(text: str) -> str:
    """Check a condition where it stands, so that the error points at it."""
    try:
        parse_condition(text)
    except QueryError as error:
        raise ValueError(str(error)) from None
    return text


class QuotaIn(Strict):
    """How many hits of a modality: at least and at most."""

    least: Annotated[int, Field(ge=0, le=MAX_HITS)] = 0
    most: Annotated[int, Field(ge=0, le=MAX_HITS)] | None = None


class SearchIn(Asking):
    """The body of POST /v1/search, or its multipart field `query`."""

    modalities: list[Modality] = Field(list(Modality), min_length=1, max_length=len(Modality))
    limit: Annotated[int, Field(ge=1, le=MAX_HITS)] = 10
    explain: bool = False
    include_self: bool = False
    where: list[Annotated[SafeText, AfterValidator(_condition)]] = Field([], max_length=MAX_CONDITIONS)
    lanes: bool = False
    quotas: dict[Modality, QuotaIn] = Field({}, max_length=len(Modality))
    fold: bool = True
    segments: Annotated[int, Field(ge=1, le=100)] = 3
    like: list[ItemId] = Field([], max_length=MAX_TERMS)
    unlike: list[ItemId] = Field([], max_length=MAX_TERMS)
    cursor: Annotated[str, StringConstraints(max_length=512)] = ""
    min_relevance: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    hybrid: bool = False

    @property
    def files(self) -> set[str]:
        """The parts that the terms name."""
        return {term.file for term in terms_of(self.query) if term.file is not None}

    def to_query(self, files: dict[str, "Upload"]) -> Query:
        """Return the engine's query."""
        return Query(
            expression(self.query, files),
            tuple(dict.fromkeys(self.modalities)),
            self.limit,
            self.include_self,
            self.explain,
            parse_conditions(self.where),
            self.lanes,
            tuple(Quota(modality, bounds.least, bounds.most) for modality, bounds in self.quotas.items()),
            self.fold,
            self.segments,
            tuple(self.like),
            tuple(self.unlike),
            self.cursor,
            self.min_relevance,
            self.hybrid,
        )


class SearchOut(BaseModel):
    """The answer; a hit is the object that the command line prints."""

    hits: list[dict[str, Any]]
    took_ms: dict[str, float]
    next_cursor: str | None
    nothing_matches: bool


class SegmentOut(BaseModel):
    """A part of an item."""

    index: int
    start: float | None
    end: float | None
    unit: str | None
    snippet: str


class ItemOut(BaseModel):
    """What is known of an item."""

    id: str
    path: str
    modality: Modality
    mime: str
    duration: float | None
    size: int
    mtime: float
    tags: list[str]
    meta: dict[str, str]
    segments: list[SegmentOut]

    @classmethod
    def of(cls, payloads: tuple[Payload, ...]) -> "ItemOut":
        """Gather the segments of one item."""
        first = payloads[0]
        segments = [
            SegmentOut(
                index=p.segment.index, start=p.segment.start, end=p.segment.end, unit=p.segment.unit, snippet=p.snippet
            )
            for p in payloads
        ]
        return cls(
            id=first.item_id,
            path=first.path,
            modality=first.modality,
            mime=first.mime,
            duration=first.duration,
            size=first.size,
            mtime=first.mtime,
            tags=list(first.tags),
            meta=dict(first.meta),
            segments=segments,
        )


class StatusOut(BaseModel):
    """What is served: how many segments of each modality, by which model."""

    version: str
    model: str
    dim: int
    segments: dict[Modality, int]


class HealthOut(BaseModel):
    """A probe's answer."""

    status: str
