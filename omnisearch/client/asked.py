"""Queries as callers write them, and their options."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias, TypedDict

from typing_extensions import Unpack

from omnisearch.query.condition_parser import parse_conditions
from omnisearch.query.expressions import Expression, ItemRef, Term, UploadRef
from omnisearch.query.query import Group, Query, Quota, Sort
from omnisearch.types import Modality

# A text, a file of this machine, an item, an upload, an expression of them, or a whole query.
Asked: TypeAlias = str | Path | ItemRef | UploadRef | Expression | Query


class Options(TypedDict, total=False):
    """The fields of a `Query` that may be given beside the expression; `where` is a list of conditions as text."""

    modalities: Sequence[Modality | str]
    limit: int
    include_self: bool
    explain: bool
    where: Sequence[str]
    area: Sequence[tuple[float, float]]
    sort: Sort
    group: Group
    quotas: Sequence[Quota]
    fold: bool
    segments: int
    like: Sequence[str]
    unlike: Sequence[str]
    cursor: str
    min_relevance: float
    words: bool


def query_of(asked: Asked, **options: Unpack[Options]) -> Query:
    """Return a query with some of its fields set.

    Raises:
        QueryError: a condition is malformed.
        ValueError: there is no such modality.
    """
    fields: dict[str, Any] = {**options}
    for name in {"quotas", "like", "unlike", "area"} & set(fields):
        fields[name] = tuple(fields[name])
    if "where" in options:
        fields["where"] = parse_conditions(options["where"])
    if "modalities" in options:
        fields["modalities"] = tuple(map(Modality, options["modalities"]))
    if isinstance(asked, Query):
        return replace(asked, **fields)
    return Query(asked if isinstance(asked, Expression) else Term(asked), **fields)
