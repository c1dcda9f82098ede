"""Composition: the embeddings of a sum's terms become one query vector (OmniBind, section 4.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from omnisearch.errors import QueryError
from omnisearch.query import Sum, Term
from omnisearch.search.embed import Embedded
from omnisearch.types import Floats

# Below this share of the terms' total weight what is left of the sum is rounding, not meaning.
CANCELLED = 1e-4


@dataclass(frozen=True, eq=False)
class Leaf:
    """A sum as one query: `vector` (dim,) of unit length is `scales` (terms,) times the terms' vectors, added up."""

    sum: Sum
    vector: Floats
    scales: Floats


def leaf(total: Sum, embedded: Mapping[Term, Embedded]) -> Leaf:
    """Compose a sum of embedded terms.

    Raises:
        QueryError: the terms cancel out.
    """
    vectors = np.stack([embedded[term].vector for term in total.terms])
    try:
        return Leaf(total, *compose(vectors, [term.weight for term in total.terms]))
    except QueryError as error:
        raise QueryError(f"{total}: {error}") from None


def compose(vectors: Floats, weights: Sequence[float]) -> tuple[Floats, Floats]:
    """Add weighted unit vectors: (terms, dim) -> the query (dim,) of unit length, and each term's scale (terms,).

    The scaled vectors add up to the query, so the dot product of one with a hit is what the term gave to its score.

    Raises:
        QueryError: the terms cancel out.
    """
    scales = np.asarray(weights, np.float64)  # in float32 the order of terms would show in the last digit
    total = scales @ vectors
    length = float(np.linalg.norm(total))
    if length < CANCELLED * float(np.abs(scales).sum()):
        raise QueryError("the terms cancel out: nothing is left to search for; change a sign or a weight")
    return (total / length).astype(np.float32), (scales / length).astype(np.float32)
