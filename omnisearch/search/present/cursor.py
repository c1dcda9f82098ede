"""Cursors of hits: the sort key of the last hit of a page, and a digest of the query and the index."""

import hashlib
import json
import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omnisearch.cursors import pack, unpack
from omnisearch.query.expressions import Expression, Term
from omnisearch.query.query import Query, Sort
from omnisearch.search.plan.embed import EmbeddedTerm
from omnisearch.search.present.order import SortKey

MAX_DEPTH = 100_000


@dataclass(frozen=True)
class PagePosition:
    """The last hit of a page: its sort key. `depth` is its rank among all hits, counted from 1."""

    key: SortKey
    depth: int

    @property
    def id(self) -> str:
        """The id of the hit."""
        return self.key[-1]


def digest(query: Query, embedded: Mapping[Term, EmbeddedTerm], collection: str) -> str:
    """Return the digest of a query to an index. The limit of a page is not part of it."""
    asked = [
        collection,
        _spelled(query.expression, embedded),
        [str(modality) for modality in query.modalities],
        [repr(condition) for condition in query.where],
        [repr(quota) for quota in query.quotas],
        query.area,
        [query.sort, query.group, query.min_relevance if query.has_cut else 0],
        [query.include_self, query.fold, query.words],
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:24]


def write_cursor(position: PagePosition, query: str) -> str:
    """Return the cursor of a position in the hits of a query, which is given by its digest."""
    return pack(query, *position.key, position.depth)


def read_cursor(text: str, query: str, sort: Sort) -> PagePosition:
    """Return the position that a cursor encodes.

    Raises:
        QueryError: the text is not a cursor, or belongs to another query or index.
    """

    def position(day: int, compared: float | str, odds: float, id_: str, depth: int) -> PagePosition:
        value = str(compared) if sort == "name" else float(compared)
        read = PagePosition((int(day), value, float(odds), str(id_)), int(depth))
        numbers = [read.key[2], *([] if isinstance(value, str) else [value])]
        if not (all(map(math.isfinite, numbers)) and 0 < read.depth <= MAX_DEPTH):
            raise ValueError("out of bounds")
        return read

    return unpack(text, query, position)


def _source(term: Term) -> str:
    if isinstance(term.source, tuple):
        return array("d", term.source).tobytes().hex()  # as text, hundreds of numbers take half a millisecond
    return repr(term.source)


def _spelled(expression: Expression, embedded: Mapping[Term, EmbeddedTerm]) -> Any:
    """Return an expression with the contents of its files, not their paths: the path of an upload is never the same."""
    if not expression.operands:
        return [[embedded[t].item_id or _source(t), t.weight, repr(t.slice)] for t in expression.terms]
    return [type(expression).__name__, [_spelled(part, embedded) for part in expression.operands]]
