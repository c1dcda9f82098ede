"""Lexical relevance: how much the BM25 score of an item adds to its relevance.

A word that one item in 1/u has, and that half of the items that match have, is evidence of ln(1/u) for a match where
it is there, and of ln 2 against one where it is not (the binary independence model of Robertson & Spaerck Jones, 1976).
The evidence for is the BM25 score, whose weight of a word is ln(1/u). In an index of N segments no word can look rarer
than 1/N, so a small one is judged as if there were 256 more, without the words. With one match among a hundred, as the
relevance of vectors has it,

    o = BM25 + ln((N + 256) / N) - n ln 2 - ln 99

are the log-odds of an item with words of a query of n words. They and those of its vector are joined by OR: either is
reason enough, and an item without the words is judged by its vector alone.
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
    """The words of a sum, and the log-odds against a match before any of them was found, in an index of `points`."""

    words: SparseVector
    against: float
    points: int

    def odds(self, scores: Floats) -> Odds:
        """Return the log-odds (n,) of items with these BM25 scores (n,); a score of zero is no word at all."""
        return np.where(scores > 0, scores.astype(np.float64) - self.against, -np.inf)


def query_words(total: Sum, points: int) -> QueryWords | None:
    """Return the words of the texts that a sum adds up, asked of an index of so many points; None without any."""
    texts = [term.source for term in total.terms if isinstance(term.source, str) and term.weight > 0]
    words = query_weights("\n".join(texts))
    if not words.indices:
        return None
    return QueryWords(
        words, sum(words.values) * log(2) + log(ONE_IN - 1) - log((points + OTHERS) / max(points, 1)), points
    )
