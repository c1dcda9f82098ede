"""Models of the requests of the API. Unknown fields are refused; every string and number is bounded."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from omnisearch.api.collection_name import CollectionText
from omnisearch.api.expressions import (
    MAX_TERMS,
    MAX_WEIGHT,
    Asking,
    Body,
    ItemId,
    Label,
    Strict,
    Upload,
    UploadId,
    expression,
)
from omnisearch.api.safe_strings import SafeStr, SafeText
from omnisearch.api.selections import Conditions, CursorText, SelectionLink
from omnisearch.errors import QueryError
from omnisearch.query.area import MAX_COORDINATE, MAX_CORNERS, MIN_CORNERS
from omnisearch.query.expressions import Expression, ItemRef, Term
from omnisearch.query.grammar import parse, split
from omnisearch.query.query import MAX_SEGMENTS, Group, Query, Quota, SearchOptions, Sort
from omnisearch.types import Modality

MAX_HITS = 200
MAX_QUERIES = 64
MAX_SUGGESTIONS = 50
Coordinate = Annotated[float, Field(ge=-MAX_COORDINATE, le=MAX_COORDINATE, allow_inf_nan=False)]
DEFAULTS = SearchOptions()


class QuotaIn(Strict):
    """The number of hits of a modality: at least and at most."""

    least: Annotated[int, Field(ge=0, le=MAX_HITS)] = 0
    most: Annotated[int, Field(ge=0, le=MAX_HITS)] | None = None


class SearchIn(Asking):
    """The body of POST /v1/search, or its multipart field `query`."""

    modalities: list[Modality] = Field(list(Modality), min_length=1, max_length=len(Modality))
    limit: Annotated[int, Field(ge=1, le=MAX_HITS)] = DEFAULTS.limit
    explain: bool = DEFAULTS.explain
    include_self: bool = DEFAULTS.include_self
    where: Conditions = ()
    area: tuple[tuple[Coordinate, Coordinate], ...] | None = Field(
        None, min_length=MIN_CORNERS, max_length=MAX_CORNERS, description="Corners `[x, y]` of an area of the map."
    )
    sort: Sort = DEFAULTS.sort
    group: Group = DEFAULTS.group
    quotas: dict[Modality, QuotaIn] = Field({}, max_length=len(Modality))
    fold: bool = DEFAULTS.fold
    segments: Annotated[int, Field(ge=1, le=MAX_SEGMENTS)] = DEFAULTS.segments
    like: tuple[ItemId, ...] = Field((), max_length=MAX_TERMS)
    unlike: tuple[ItemId, ...] = Field((), max_length=MAX_TERMS)
    cursor: CursorText = ""
    min_relevance: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = DEFAULTS.min_relevance
    words: bool = DEFAULTS.words

    def to_options(self) -> SearchOptions:
        """Return the options of the search. The fields have the same names."""
        fields_ = {field.name: getattr(self, field.name) for field in fields(SearchOptions)}
        quotas = tuple(Quota(modality, bounds.least, bounds.most) for modality, bounds in self.quotas.items())
        changed = {"modalities": tuple(dict.fromkeys(self.modalities)), "quotas": quotas, "area": self.area or ()}
        return SearchOptions(**fields_ | changed)

    def to_query(self, files: Mapping[str, Upload]) -> Query:
        """Return the engine's query."""
        return self.to_options().query(expression(self.query, files))


class CollectionIn(Strict):
    """The body of POST /v1/collections."""

    name: CollectionText


class SearchLink(SelectionLink):
    """The parameters of GET /v1/search. `q` is written as on a command line, and names no files."""

    q: SafeText
    limit: Annotated[int, Field(ge=1, le=MAX_HITS)] = 10
    sort: Sort = DEFAULTS.sort
    group: Group = DEFAULTS.group
    cursor: CursorText = ""
    min_relevance: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    words: bool = DEFAULTS.words

    def to_query(self) -> Query:
        """Return the engine's query.

        Raises:
            QueryError: `q` is malformed, names a file, has too many terms, or too large a weight.
        """
        expression = parse(split(self.q), files=False)
        if (count := len(expression.terms)) > MAX_TERMS:
            raise QueryError(f"the query has {count} terms, at most {MAX_TERMS} are allowed")
        if (weight := max(abs(term.weight) for term in expression.terms)) > MAX_WEIGHT:
            raise QueryError(f"a term has the weight {weight:g}, at most {MAX_WEIGHT} is allowed")
        selection = self.to_selection()
        return Query(
            expression,
            modalities=selection.modalities,
            limit=self.limit,
            where=selection.where,
            area=selection.area,
            sort=self.sort,
            group=self.group,
            cursor=self.cursor,
            min_relevance=self.min_relevance,
            words=self.words,
        )


class SuggestionsLink(BaseModel):
    """The parameters of GET /v1/suggestions: the letters that were typed, and the most suggestions."""

    q: SafeStr
    limit: Annotated[int, Field(ge=1, le=MAX_SUGGESTIONS)] = 8


class NeighboursLink(SelectionLink):
    """The parameters of GET /v1/items/{id}/neighbours."""

    segment: Annotated[int, Field(ge=0, le=10**9)] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_HITS)] = 10
    min_relevance: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0

    def to_query(self, item_id: str) -> Query:
        """Return the query for the item, with one group of hits for each modality."""
        selection = self.to_selection()
        return Query(
            Term(ItemRef(item_id, self.segment)),
            modalities=selection.modalities,
            limit=self.limit,
            where=selection.where,
            area=selection.area,
            group="modality",
            min_relevance=self.min_relevance,
        )


class SearchBatchIn(Body):
    """The body of POST /v1/search/batch, or its multipart field `query`: queries that are answered together."""

    queries: list[SearchIn] = Field(min_length=1, max_length=MAX_QUERIES)

    @property
    def files(self) -> set[str]:
        """The parts of the request that its queries name."""
        return {name for query in self.queries for name in query.files}

    @property
    def upload_ids(self) -> set[str]:
        """The kept uploads that its queries name."""
        return {name for query in self.queries for name in query.upload_ids}

    @property
    def urls(self) -> set[str]:
        """The URLs that the server must fetch."""
        return {url for query in self.queries for url in query.urls}


class LocateIn(Asking):
    """The body of POST /v1/locate, or its multipart field `query`: an expression, and the one file to search.

    The file is either `file`, the name of a multipart part, or `upload_id`, or `item_id`. `label` is the name of a
    `file` or an upload in the answer.
    """

    file: SafeStr | None = None
    upload_id: UploadId | None = None
    item_id: ItemId | None = None
    label: Label | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_HITS)] = 5
    min_relevance: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0

    @model_validator(mode="after")
    def _one_file(self) -> "LocateIn":
        if sum(source is not None for source in (self.file, self.upload_id, self.item_id)) != 1:
            raise ValueError("name the file to search: exactly one of file, upload_id and item_id")
        if self.label is not None and self.item_id is not None:
            raise ValueError("a label names a file or an upload")
        return self

    @property
    def files(self) -> set[str]:
        """The parts of the request that it names."""
        return super().files if self.file is None else {*super().files, self.file}

    @property
    def upload_ids(self) -> set[str]:
        """The kept uploads that it names."""
        return super().upload_ids if self.upload_id is None else {*super().upload_ids, self.upload_id}

    def to_query(self, files: Mapping[str, Upload]) -> Expression:
        """Return the expression."""
        return expression(self.query, files)

    def source(self, files: Mapping[str, Upload]) -> Path | ItemRef:
        """Return the file or the item to search."""
        return ItemRef(self.item_id) if self.item_id is not None else files[self.file or str(self.upload_id)].path
