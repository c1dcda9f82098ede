"""Composition: the embeddings of a sum's terms become one query vector (OmniBind, section 4.4)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from omnisearch.errors import QueryError
from omnisearch.query.expressions import Sum, Term
from omnisearch.search.plan.embed import EmbeddedTerm
from omnisearch.types import Floats, Modality

# If the sum is shorter than this fraction of the total weight, the terms cancel out and the rest is rounding error.
CANCELLED = 1e-4


@dataclass(frozen=True, eq=False)
class QueryVector:
    """The query vector of a sum: the unit `vector` (dim,) is the sum of the terms' vectors by `scales` (terms,).

    `shares` are the fractions of the total absolute weight by modality of the terms; they add up to one.
    """

    sum: Sum
    vector: Floats
    scales: Floats
    shares: Mapping[Modality | None, float] = field(default_factory=lambda: {None: 1.0})


def query_vector(total: Sum, embedded: Mapping[Term, EmbeddedTerm]) -> QueryVector:
    """Compose a sum of embedded terms.

    Raises:
        QueryError: the terms cancel out.
    """
    vectors = np.stack([embedded[term].vector for term in total.terms])
    whole = sum(abs(term.weight) for term in total.terms) or 1.0  # weights of zero cancel out below
    shares: dict[Modality | None, float] = defaultdict(float)
    for term in total.terms:
        shares[embedded[term].modality] += abs(term.weight) / whole
    try:
        return QueryVector(total, *compose(vectors, [term.weight for term in total.terms]), shares)
    except QueryError as error:
        raise QueryError(f"{total}: {error}") from None


def compose(vectors: Floats, weights: Sequence[float]) -> tuple[Floats, Floats]:
    """Add weighted unit vectors: (terms, dim) -> the query (dim,) of unit length, and each term's scale (terms,).

    The scaled vectors add up to the query, so the dot product of one with a hit is what the term contributes.

    Raises:
        QueryError: the terms cancel out.
    """
    scales = np.asarray(weights, np.float64)  # in float32 the order of terms would show in the last digit
    total = scales @ vectors
    length = float(np.linalg.norm(total))
    if length < CANCELLED * float(np.abs(scales).sum()):
        raise QueryError("the terms cancel out: nothing is left to search for; change a sign or a weight")
    return (total / length).astype(np.float32), (scales / length).astype(np.float32)
