"""Lexical relevance: how much the BM25 score of an item adds to its relevance.

Suppose a fraction u of all items and half of the matching items have a word. Then an item with the word has evidence
ln(1/u) for a match, and an item without it has evidence ln 2 against one (the binary independence model of Robertson &
Spaerck Jones, 1976). The evidence for a match is the BM25 score, in which a word has the weight ln(1/u). In an index of
N segments u is at least 1/N, so 256 segments without the words are added to N, which matters in a small index. With a
prior of one match among a hundred, as in the relevance of vectors,

    o = BM25 + ln((N + 256) / N) - n ln 2 - ln 99

are the log-odds of an item for a query of n words. They are combined with those of its vector by OR. An item without
the words is scored by its vector alone.
"""

from dataclasses import dataclass
from math import log

import numpy as np

from omnisearch.query.expressions import Sum
from omnisearch.search.rank.algebra import Odds
from omnisearch.stores.bm25 import SparseVector, query_weights
from omnisearch.types import Floats

ONE_IN = 100
OTHERS = 256


@dataclass(frozen=True)
class QueryWords:
    """The words of a sum, and the log-odds of a segment with none of them in an index of `points` segments."""

    words: SparseVector
    against: float
    points: int

    def odds(self, scores: Floats) -> Odds:
        """Return the log-odds (n,) of items with these BM25 scores (n,). A score of zero means that no word occurs."""
        return np.where(scores > 0, scores.astype(np.float64) - self.against, -np.inf)


def query_words(total: Sum, points: int) -> QueryWords | None:
    """Return the words of the texts of a sum, for an index of `points` segments; None if there are no words."""
    texts = [term.source for term in total.terms if isinstance(term.source, str) and term.weight > 0]
    words = query_weights("\n".join(texts))
    if not words.indices:
        return None
    return QueryWords(
        words, sum(words.values) * log(2) + log(ONE_IN - 1) - log((points + OTHERS) / max(points, 1)), points
    )
