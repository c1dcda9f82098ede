"""Queries as the JSON that the HTTP API reads. Files of this machine become parts of the request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omnisearch.errors import UsageError
from omnisearch.paths import show_path
from omnisearch.query.conditions import Condition
from omnisearch.query.expressions import And, Expression, ItemRef, Not, Or, Sum, Term, Then, UploadRef
from omnisearch.query.query import Query
from omnisearch.types import Role

_PLAIN = Query(Sum(()))  # the defaults of all options


@dataclass
class RequestBody:
    """A JSON object, and the files that its terms name, by the names of their parts."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    def part(self, path: Path) -> str:
        """Return the name of the part of a file; one file is sent once."""
        name = next((name for name, known in self.files.items() if known == path), f"file{len(self.files)}")
        self.files[name] = path
        return name


@dataclass(frozen=True)
class UploadBody:
    """A file, or its bytes, and its name: a multipart body of this file alone."""

    content: Path | bytes
    name: str


def search_body(query: Query) -> RequestBody:
    """Return the body of POST /v1/search."""
    body = RequestBody()
    body.fields = _query(query, body)
    return body


def batch_body(queries: Sequence[Query]) -> RequestBody:
    """Return the body of POST /v1/search/batch."""
    body = RequestBody()
    body.fields = {"queries": [_query(query, body) for query in queries]}
    return body


def locate_body(
    expression: Expression, source: Path | ItemRef | UploadRef, limit: int, min_relevance: float, label: str
) -> RequestBody:
    """Return the body of POST /v1/locate; `label` is the name of a file in the answer."""
    body = RequestBody()
    if isinstance(source, Path):
        named = {"file": body.part(source), "label": label}
    else:
        named = {"item_id" if isinstance(source, ItemRef) else "upload_id": source.id}
    body.fields = {"query": _expression(expression, body), **named, "limit": limit, "min_relevance": min_relevance}
    return body


def embeddings_body(inputs: Sequence[str | Path | UploadRef], model: str, input_type: Role) -> RequestBody:
    """Return the body of POST /v1/embeddings."""
    body = RequestBody()
    parts = [each if isinstance(each, str) else _content_part(each, body) for each in inputs]
    said = {} if input_type is Role.QUERY else {"input_type": input_type}
    body.fields = {"input": parts, "model": model, **said}
    return body


def _content_part(source: Path | UploadRef, body: RequestBody) -> dict[str, Any]:
    named = {"upload_id": source.id} if isinstance(source, UploadRef) else {"file_id": body.part(source)}
    return {"type": "file", "file": named}


def _query(query: Query, body: RequestBody) -> dict[str, Any]:
    fields = {
        "modalities": list(query.modalities),
        "limit": query.limit,
        "explain": query.explain,
        "include_self": query.include_self,
        "where": [_condition(each) for each in query.where],
        "area": query.area,
        "sort": query.sort,
        "group": query.group,
        "quotas": {quota.modality: {"least": quota.least, "most": quota.most} for quota in query.quotas},
        "fold": query.fold,
        "segments": query.segments,
        "like": list(query.like),
        "unlike": list(query.unlike),
        "cursor": query.cursor,
        "min_relevance": query.min_relevance,
        "words": query.words,
    }
    said = {name: value for name, value in fields.items() if getattr(query, name) != getattr(_PLAIN, name)}
    return {"query": _expression(query.expression, body), **said}


def _condition(condition: Condition) -> str:
    if not condition.written:
        raise UsageError(f"{condition!r} cannot be sent to a server: make conditions with `parse_conditions`")
    return condition.written


def _expression(expression: Expression, body: RequestBody) -> Any:
    if isinstance(expression, Term):
        return _term(expression, body)
    if isinstance(expression, Sum):
        return [_term(term, body) for term in expression.terms]
    parts = [_expression(operand, body) for operand in expression.operands]
    if isinstance(expression, Not):
        return {"not": parts[0]}
    return {{And: "and", Or: "or", Then: "then"}[type(expression)]: parts}


def _term(term: Term, body: RequestBody) -> dict[str, Any]:
    part = {} if term.slice is None else {"slice": str(term.slice)}
    return {**_source(term, body), "weight": term.weight, **part}


def _source(term: Term, body: RequestBody) -> dict[str, Any]:
    source = term.source
    if isinstance(source, Path):
        return {"file": body.part(source), "label": term.label or show_path(str(source))}
    if isinstance(source, ItemRef):
        return {"item_id": source.id} | ({} if source.segment is None else {"segment": source.segment})
    if isinstance(source, UploadRef):
        return {"upload_id": source.id} | ({"label": term.label} if term.label else {})
    return {"text": source} if isinstance(source, str) else {"vector": list(source)}
