"""Feedback: more like these items, less like those (Rocchio, 1971).

    q' = q + 0.75 mean(like) - 0.15 mean(unlike)

All are unit vectors, with the usual weights (Manning, Raghavan, Schuetze: Introduction to Information Retrieval,
section 9.1.1). q counts as the total weight of its terms, so scaling a query changes nothing.
"""

from dataclasses import replace

from omnisearch.errors import QueryError
from omnisearch.query.expressions import ItemRef, Sum, Summand, Term
from omnisearch.query.query import Query

LIKE, UNLIKE = 0.75, -0.15


def with_feedback(query: Query) -> Query:
    """Turn the examples of a query into terms of its sum.

    Raises:
        QueryError: the query is not a sum.
    """
    if not (query.like or query.unlike):
        return query
    if not isinstance(query.expression, Summand):
        raise QueryError("`like` and `unlike` refine a sum of terms, not AND, OR, NOT or THEN")
    total = sum(abs(term.weight) for term in query.terms)
    examples = [
        Term(ItemRef(item_id), share * total / len(items))
        for share, items in ((LIKE, query.like), (UNLIKE, query.unlike))
        for item_id in items
    ]
    return replace(query, expression=Sum((*query.terms, *examples)), like=(), unlike=())
