"""Composition: several embeddings and their weights become one query vector (OmniBind, section 4.4)."""

from collections.abc import Sequence

import numpy as np

from omnisearch.errors import QueryError
from omnisearch.types import Floats

# Below this share of the terms' total weight what is left of the sum is rounding, not meaning.
CANCELLED = 1e-4


def compose(vectors: Floats, weights: Sequence[float]) -> tuple[Floats, Floats]:
    """Add weighted unit vectors: (terms, dim) -> the query (dim,) of unit length, and each term's share (terms, dim).

    The shares add up to the query, so the dot product of a share with a hit is what the term contributed to its score.

    Raises:
        QueryError: the terms cancel out.
    """
    shares = np.asarray(weights, np.float32)[:, None] * vectors
    total = shares.sum(axis=0)
    length = float(np.linalg.norm(total))
    if length < CANCELLED * float(np.abs(np.asarray(weights)).sum()):
        raise QueryError("the terms cancel out: nothing is left to search for; change a sign or a weight")
    return total / length, shares / length
