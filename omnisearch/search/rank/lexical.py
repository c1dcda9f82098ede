"""Lexical relevance: how much the BM25 score of an item adds to its relevance.

Suppose a fraction u of all items and half of the matching items have a word. Then an item with the word has evidence
ln(1/u) for a match, and an item without it has evidence ln 2 against one (the binary independence model of Robertson &
Spaerck Jones, 1976). The evidence for a match is the BM25 score, in which a word has the weight ln(1/u). In an index of
N segments u is at least 1/N, so 256 segments without the words are added to N, which matters in a small index. With a
prior of one match among a hundred, as in the relevance of vectors,

    o = BM25 + ln((N + 256) / N) - ln 2 - (n - 1) ln 4 - ln 99

are the log-odds of an item for a query of n words: a query of several words describes what is wanted, and only a
quarter of the matching items have each further word of it. With a half, a text that mentions the night would be a
likely match for "the sea at night". What `proximity` says of the places of the words is added. In a sum of several
texts the words of each count as its share of the largest weight: in BM25, in n and in the pairs of neighbours. These
odds are combined with those of its vector by OR. An item without the words is scored by its vector alone, and so is one
with words so common that they are hardly evidence: o is below EVIDENCE. One of nine file names of a large collection
may contain "dog".
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import log

import numpy as np

from omnisearch.query.expressions import Sum
from omnisearch.search.rank.algebra import Odds
from omnisearch.search.rank.proximity import Neighbours, neighbours
from omnisearch.stores.bm25 import SparseVector, count_words, joined_weights
from omnisearch.stores.field_text import FieldText
from omnisearch.types import Floats

ONE_IN = 100
OTHERS = 256
EVIDENCE = log(0.1 / 0.9)
# The scores of the engines have 32 bits.
ROUNDING = 1e-3


@dataclass(frozen=True)
class QueryWords:
    """The words of a sum, and the log-odds against a match of a segment with none of them.

    The index has `points` segments. `neighbours` are pairs of words, which count against a match as if they were far
    apart in all texts. Where the texts were read, `placed` adds what they say.
    """

    words: SparseVector
    against: float
    points: int
    neighbours: Neighbours = field(default_factory=Neighbours)

    @property
    def least(self) -> float:
        """A score from BM25 that is just not evidence: segments with a lower one are scored by their vectors alone."""
        return EVIDENCE + self.against + self.neighbours.apart - ROUNDING

    @property
    def least_placed(self) -> float:
        """A score from BM25 below which the places of the words cannot make a segment's words evidence."""
        return self.least - self.neighbours.apart - self.neighbours.most

    def placed(self, score: float, texts: Iterable[FieldText]) -> float:
        """Return a BM25 score with the evidence of the places of the words in a segment's texts."""
        return score + self.neighbours.apart + self.neighbours.evidence(texts)

    def odds(self, scores: Floats) -> Odds:
        """Return the log-odds (n,) of items with these scores (n,), from BM25 or `placed`; at zero no word occurs."""
        odds = scores.astype(np.float64) - self.against - self.neighbours.apart
        return np.where((scores > 0) & (odds >= EVIDENCE), odds, -np.inf)


def query_words(total: Sum, points: int) -> QueryWords | None:
    """Return the words of the texts of a sum, for an index of `points` segments; None if there are no words."""
    asked = total.weighted_texts
    words = joined_weights(asked)
    if not words.indices:
        return None
    further = max(count_words(asked) - 1, 0) * log(4)
    against = log(2) + further + log(ONE_IN - 1) - log((points + OTHERS) / max(points, 1))
    return QueryWords(words, against, points, neighbours(asked))
