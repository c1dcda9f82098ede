"""Cursors of hits: the relevance and the id of the last hit of a page, and a digest of the question and the index."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omnisearch.cursors import pack, unpack
from omnisearch.query.expressions import Expression, Term
from omnisearch.query.query import Query
from omnisearch.search.plan.embed import EmbeddedTerm

MAX_DEPTH = 100_000


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
