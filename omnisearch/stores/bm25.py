"""Words as sparse vectors: one dimension for each word, compared by BM25.

    weight of a word = tf (k + 1) / (tf + k),  k = 1.2

tf is the number of occurrences of the word, each with the weight of its field (BM25F; Robertson & Zaragoza 2009,
equation 3.15 and section 3.5, with b = 0 because segments are about equally long). The engines count the points n of N
that have a word, and multiply by ln(1 + (N - n + 0.5) / (n + 0.5)), so that the product of a query with a point is the
BM25 score.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from omnisearch.stores.field_text import FieldText
from omnisearch.stores.tokens import document_forms, query_forms, word_length, words_of

# The name of the vector in every collection.
WORDS = "words"
K = 1.2
# Common words that carry no information about the query. In a collection of media they are rare, and would look like
# evidence for the few long texts in it.
_EMPTY = frozenset(
    words_of(
        "a about after again all also always am an and another any anyone anything are as at away be because been "
        "before being between both but by can could did do does doing done during each either else ever every "
        "everything few for from get gets getting go goes going got had has have having he her here hers him his "
        "how i if in into is it its just let like make makes many me might more most much must my no nor not "
        "nothing of often on once one only or other our out own shall she should so some someone something such "
        "than that the their them then there these they thing things this those through to too until up us use "
        "used very was we were what when where which while who whom whose why will with without would you your"
    )
)


@dataclass(frozen=True)
class SparseVector:
    """A sparse vector: `values` at `indices`, which are 32 bits of a hash of each word."""

    indices: tuple[int, ...]
    values: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def plain(self) -> list[list[float]]:
        """As JSON."""
        return [list(self.indices), list(self.values)]


def query_weights(text: str) -> SparseVector:
    """Return the sparse query of a text: the forms of each word, without common words, which share its weight."""
    return joined_weights([(text, 1.0)])


def joined_weights(texts: Iterable[tuple[str, float]]) -> SparseVector:
    """Return the sparse query of texts with weights. A word of several texts has the largest of their weights."""
    weights: dict[str, float] = {}
    for text, weight in texts:
        for word in asked_words(text):
            for form, share in query_forms(word).items():
                weights[form] = max(weights.get(form, 0), weight * word_length(word) * share)
    return _sparse(weights)


def phrase_weights(phrases: Iterable[str]) -> SparseVector:
    """Return the sparse query of the words of some phrases, with common words."""
    words = dict.fromkeys(word for phrase in phrases for word in words_of(phrase))
    return _sparse({form: share for word in words for form, share in query_forms(word).items()})


def asked_forms(text: str) -> frozenset[str]:
    """Return the forms by which the words of a query are looked up."""
    return frozenset(form for word in asked_words(text) for form in query_forms(word))


def count_words(texts: Iterable[tuple[str, float]]) -> float:
    """Return the number of words in texts with weights: a run of n characters without spaces is about n / 2 words.

    A word counts as its weight, or the largest of its weights.
    """
    weights: dict[str, float] = {}
    for text, weight in texts:
        for word in asked_words(text):
            weights[word] = max(weights.get(word, 0), weight)
    return sum(weight * word_length(word) for word, weight in weights.items())


def asked_words(text: str) -> list[str]:
    """Return the words of a query, once each, without common words."""
    return list(dict.fromkeys(content_words(text)))


def content_words(text: str) -> list[str]:
    """Return the words of a text in order, without common words."""
    return [word for word in words_of(text) if word not in _EMPTY]


def document_weights(texts: Iterable[FieldText]) -> SparseVector:
    """Return the sparse vector of a segment: the forms of the words in its texts.

    Every segment has the word "", because the engines do not count a point in N if its first sparse vector was empty.
    """
    counts: dict[str, float] = defaultdict(float)
    for each in texts:
        for form in document_forms(each.text, each.language):
            counts[form] += each.weight
    return _sparse({"": 1.0, **{form: tf * (K + 1) / (tf + K) for form, tf in counts.items()}})


def _sparse(weights: Mapping[str, float]) -> SparseVector:
    by_index = {zlib.crc32(word.encode()): weight for word, weight in weights.items()}
    return SparseVector(tuple(by_index), tuple(by_index.values()))
