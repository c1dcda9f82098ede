"""Every request that a client can send, and how its answer is read. `Client` and `AsyncClient` send them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Literal, TypeAlias, TypedDict, TypeVar
from urllib.parse import quote

from pydantic import BaseModel
from typing_extensions import Unpack

from omnisearch.client.bodies import Body, batch_body, embeddings_body, locate_body, search_body
from omnisearch.paths import show_path
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.query.expressions import Expression, ItemRef, Term
from omnisearch.query.query import Query, Quota
from omnisearch.schema.embeddings import EmbeddingsOut, ModelsOut
from omnisearch.schema.item import ItemOut
from omnisearch.schema.locate import LocateOut
from omnisearch.schema.search import FailedOut, SearchBatchOut, SearchOut
from omnisearch.schema.status import StatusOut
from omnisearch.types import Modality

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
# A text, a file of this machine, an item, an expression of them, or all that can be asked.
Asked: TypeAlias = str | Path | ItemRef | Expression | Query


class Asking(TypedDict, total=False):
    """The fields of a `Query` that may be given beside what is asked; `where` holds conditions as they are written."""

    modalities: Sequence[Modality | str]
    limit: int
    include_self: bool
    explain: bool
    where: Sequence[str]
    lanes: bool
    quotas: Sequence[Quota]
    fold: bool
    segments: int
    like: Sequence[str]
    unlike: Sequence[str]
    cursor: str
    min_relevance: float
    hybrid: bool


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request: where it goes, what it holds, and how the bytes of the answer are read."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    read: Callable[[bytes], T]
    body: Body | None = None
    parameters: Mapping[str, str | int] = field(default_factory=dict)


def search(asked: Asked, **more: Unpack[Asking]) -> Call[SearchOut]:
    """Find anything by anything."""
    return Call("POST", "v1/search", _model(SearchOut), search_body(query_of(asked, **more)))


def search_batch(asked: Sequence[Asked], **more: Unpack[Asking]) -> Call[list[SearchOut | FailedOut]]:
    """Answer many queries together, in their order; a query that is wrong gets its problem document."""
    queries = [query_of(each, **more) for each in asked]
    return Call("POST", "v1/search/batch", _results, batch_body(queries))


def locate(
    asked: str | Path | ItemRef | Expression, source: Path | ItemRef, limit: int = 5, min_relevance: float = 0.0
) -> Call[LocateOut]:
    """Find when or where in one file, or in an item's, a query matches."""
    label = show_path(str(source))
    body = locate_body(query_of(asked).expression, source, limit, min_relevance, label)
    return Call("POST", "v1/locate", _model(LocateOut), body)


def embed(inputs: Sequence[str | Path], model: str) -> Call[list[list[float]]]:
    """Return the unit vector of each text and each file; `model` is that of the index, as `models` names it."""
    return Call("POST", "v1/embeddings", _vectors, embeddings_body(inputs, model))


def item(item_id: str) -> Call[ItemOut]:
    """Return what is known of an item and its segments."""
    return Call("GET", _item_path(item_id), _model(ItemOut))


def content(item_id: str) -> Call[bytes]:
    """Return the file of an item; `download` writes a large one to disk."""
    return Call("GET", f"{_item_path(item_id)}/content", bytes)


def preview(item_id: str) -> Call[bytes]:
    """Return a WebP picture of an item."""
    return Call("GET", f"{_item_path(item_id)}/preview", bytes)


def models() -> Call[ModelsOut]:
    """List the models that can be asked for embeddings."""
    return Call("GET", "v1/models", _model(ModelsOut))


def status() -> Call[StatusOut]:
    """Return what is indexed and by which model."""
    return Call("GET", "v1/status", _model(StatusOut))


def query_of(asked: Asked, **more: Unpack[Asking]) -> Query:
    """Return a query with some of its fields set.

    Raises:
        QueryError: a condition cannot be read.
        ValueError: there is no such modality.
    """
    fields: dict[str, Any] = {**more}
    for name in {"quotas", "like", "unlike"} & set(fields):
        fields[name] = tuple(fields[name])
    if "where" in more:
        fields["where"] = parse_conditions(more["where"])
    if "modalities" in more:
        fields["modalities"] = tuple(map(Modality, more["modalities"]))
    if isinstance(asked, Query):
        return replace(asked, **fields)
    return Query(asked if isinstance(asked, Expression) else Term(asked), **fields)


def _item_path(item_id: str) -> str:
    return f"v1/items/{quote(item_id, safe='')}"


def _model(kind: type[M]) -> Callable[[bytes], M]:
    return kind.model_validate_json


def _results(answer: bytes) -> list[SearchOut | FailedOut]:
    return SearchBatchOut.model_validate_json(answer).results


def _vectors(answer: bytes) -> list[list[float]]:
    found = EmbeddingsOut.model_validate_json(answer).data
    return [each.embedding for each in found if isinstance(each.embedding, list)]
