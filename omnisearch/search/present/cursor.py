"""Cursors of hits: the log-odds and the id of the last hit of a page, and a digest of the query and the index."""

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
    """The last hit of a page: its log-odds and its id. `depth` is its rank among all hits, counted from 1."""

    odds: float
    id: str
    depth: int

    @property
    def key(self) -> tuple[float, str]:
        """The sort key of the hit."""
        return -self.odds, self.id


def digest(query: Query, embedded: Mapping[Term, EmbeddedTerm], collection: str) -> str:
    """Return the digest of a query to an index. The limit of a page is not part of it."""
    asked = [
        collection,
        _spelled(query.expression, embedded),
        [str(modality) for modality in query.modalities],
        [repr(condition) for condition in query.where],
        [repr(quota) for quota in query.quotas],
        [query.include_self, query.fold, query.hybrid],
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:24]


def write_cursor(position: PagePosition, query: str) -> str:
    """Return the cursor of a position in the hits of a query, which is given by its digest."""
    return pack(query, position.odds, position.id, position.depth)


def read_cursor(text: str, query: str) -> PagePosition:
    """Return the position that a cursor encodes.

    Raises:
        QueryError: the text is not a cursor, or belongs to another query or index.
    """
    return unpack(text, query, _position)


def _position(odds: float, id_: str, depth: int) -> PagePosition:
    position = PagePosition(float(odds), str(id_), int(depth))
    if not (math.isfinite(position.odds) and 0 < position.depth <= MAX_DEPTH):
        raise ValueError("out of bounds")
    return position


def _spelled(expression: Expression, embedded: Mapping[Term, EmbeddedTerm]) -> Any:
    """Return an expression with the contents of its files, not their paths: the path of an upload is never the same."""
    if not expression.operands:
        return [[embedded[t].item_id or repr(t.source), t.weight, repr(t.slice)] for t in expression.terms]
    return [type(expression).__name__, [_spelled(part, embedded) for part in expression.operands]]
