"""What the API reads and writes. Unknown fields are refused; every string and every number is bounded."""

import unicodedata
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from omnisearch.query import ItemRef, Query, Sum, Term
from omnisearch.stores.base import Payload
from omnisearch.types import Modality

MAX_TERMS = 16
MAX_TEXT = 4000
MAX_HITS = 200


def _no_surrogates(text: str) -> str:
    """A lone surrogate is no character: it can be neither written as UTF-8 nor kept by the store."""
    if any(unicodedata.category(c) == "Cs" for c in text):
        raise ValueError("holds a lone surrogate")
    return text


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    return text


SafeStr = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_no_surrogates)]
SafeText = Annotated[
    str, StringConstraints(max_length=MAX_TEXT), AfterValidator(_no_surrogates), AfterValidator(_not_blank)
]
ItemId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]


def _not_zero(weight: float) -> float:
    if weight == 0:
        raise ValueError("is zero: leave the term out")
    return weight


Weight = Annotated[float, Field(allow_inf_nan=False, ge=-10, le=10), AfterValidator(_not_zero)]


class Strict(BaseModel):
    """A request object: exact types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TermIn(Strict):
    """One signed part of a query: exactly one of `text`, `file` (the name of a multipart part) and `item_id`."""

    text: SafeText | None = None
    file: SafeStr | None = None
    item_id: ItemId | None = None
    weight: Weight = 1.0

    @model_validator(mode="after")
    def _one_source(self) -> "TermIn":
        if sum(source is not None for source in (self.text, self.file, self.item_id)) != 1:
            raise ValueError("a term is exactly one of text, file and item_id")
        return self

    def term(self, files: dict[str, "Upload"]) -> Term:
        """Return the term; `files` holds the uploads by the name of their part."""
        if self.file is not None:
            upload = files[self.file]
            return Term(upload.path, self.weight, upload.label)
        if self.item_id is not None:
            return Term(ItemRef(self.item_id), self.weight)
        assert self.text is not None
        return Term(self.text, self.weight)


class SearchIn(Strict):
    """The body of POST /v1/search, or its multipart field `query`."""

    query: Annotated[list[TermIn], Field(min_length=1, max_length=MAX_TERMS)]
    modalities: Annotated[list[Modality], Field(min_length=1, max_length=len(Modality))] = list(Modality)
    limit: Annotated[int, Field(ge=1, le=MAX_HITS)] = 10
    explain: bool = False

    @property
    def files(self) -> set[str]:
        """The parts that the terms name."""
        return {term.file for term in self.query if term.file is not None}

    def to_query(self, files: dict[str, "Upload"]) -> Query:
        """Return the engine's query."""
        terms = tuple(term.term(files) for term in self.query)
        return Query(Sum(terms), tuple(dict.fromkeys(self.modalities)), self.limit, explain=self.explain)


class Upload(BaseModel):
    """A file of a request: where it lies for now, and what the user calls it."""

    path: Path
    label: str


class SearchOut(BaseModel):
    """The answer; a hit is the object that the command line prints."""

    hits: list[dict[str, Any]]
    took_ms: dict[str, float]


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
