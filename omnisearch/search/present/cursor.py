"""Cursors: where a page of hits ended, so that the same query continues after it.

A cursor is opaque text: base64 of JSON with the relevance and the id of the last hit, and a digest of the question and
the index. It holds no secret and grants nothing, so it is checked and not signed.
"""

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from omnisearch.errors import QueryError
from omnisearch.query.expressions import Expression, Term
from omnisearch.query.query import Query
from omnisearch.search.plan.embed import EmbeddedTerm

MAX_LENGTH = 512
MAX_DEPTH = 100_000
T = TypeVar("T")


@dataclass(frozen=True)
class PagePosition:
    """The last hit of a page, by its log-odds and its id; `depth` items were looked at until there."""

    odds: float
    id: str
    depth: int

    @property
    def key(self) -> tuple[float, str]:
        """Where it stands in the order of hits."""
        return -self.odds, self.id


def digest(query: Query, embedded: Mapping[Term, EmbeddedTerm], collection: str) -> str:
    """Name a question to an index; how many hits a page has is no part of it."""
    asked = [
        collection,
        _spelled(query.expression, embedded),
        [str(modality) for modality in query.modalities],
        [repr(condition) for condition in query.where],
        [repr(quota) for quota in query.quotas],
        [query.include_self, query.fold, query.hybrid],
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:24]


def write_cursor(place: PagePosition, question: str) -> str:
    """Return the text of a place."""
    return pack(question, place.odds, place.id, place.depth)


def read_cursor(text: str, question: str) -> PagePosition:
    """Return the place that a text names.

    Raises:
        QueryError: it is no cursor, or one of another question or index.
    """
    return unpack(text, question, _place)


def pack(question: str, *place: Any) -> str:
    """Return the text of a place in the answer to a question."""
    return base64.urlsafe_b64encode(json.dumps([question, *place]).encode()).decode().rstrip("=")


def unpack(text: str, question: str, read: Callable[..., T]) -> T:
    """Return what `read` makes of the place that a text names; `read` raises ValueError or TypeError for a wrong one.

    Raises:
        QueryError: it is no cursor, or one of another question or index.
    """
    try:
        if len(text) > MAX_LENGTH:
            raise ValueError("too long")
        whose, *rest = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        place = read(*rest)
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error, RecursionError):
        raise QueryError(f"{text[:40]!r} is no cursor: give `next_cursor` of the page before as it was") from None
    if whose != question:
        raise QueryError("the cursor belongs to another query or another index: ask for the first page anew")
    return place


def _place(odds: float, id_: str, depth: int) -> PagePosition:
    place = PagePosition(float(odds), str(id_), int(depth))
    if not (math.isfinite(place.odds) and 0 < place.depth <= MAX_DEPTH):
        raise ValueError("out of bounds")
    return place


def _spelled(expression: Expression, embedded: Mapping[Term, EmbeddedTerm]) -> Any:
    """An expression by contents: an upload has another path each time."""
    if not expression.operands:
        return [[embedded[t].item_id or repr(t.source), t.weight, repr(t.slice)] for t in expression.terms]
    return [type(expression).__name__, [_spelled(part, embedded) for part in expression.operands]]
