"""Words as sparse vectors: one dimension for each word, compared by BM25.

    weight of a word = tf (k + 1) / (tf + k),  k = 1.2

tf is the number of occurrences of the word (Robertson & Zaragoza 2009, equation 3.15, with b = 0 because segments are
about equally long). The engines count the points n of N that have a word, and multiply by ln(1 + (N - n + 0.5) /
(n + 0.5)), so that the product of a query with a point is the BM25 score.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from omnisearch.stores.tokens import forms, inner_forms, older_forms, words_of

# The name of the vector in every collection.
WORDS = "words"
K = 1.2
# Common words that carry no information about the query.
_EMPTY = frozenset(
    words_of(
        "a an and are as at be by for from has have he her his i in is it its my of on or she that the their there "
        "they this to was were which who with you your"
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
    """Return the sparse query of a text: the forms of each word, without common words.

    The forms of a word share its weight. The forms of an older index share it too, because no point has both.
    """
    weights: dict[str, float] = {}
    for word in _asked(text):
        for found in filter(None, (forms(word), older_forms(word))):
            weights |= {form: max(weights.get(form, 0), _weight(word) / len(found)) for form in found}
    return _sparse(weights)


def count_words(text: str) -> float:
    """Return the number of words in a query: a run of n characters without spaces is about n / 2 words."""
    return sum(map(_weight, _asked(text)))


def _asked(text: str) -> list[str]:
    return [word for word in dict.fromkeys(words_of(text)) if word not in _EMPTY]


def _weight(word: str) -> float:
    return max(1.0, len(forms(word)) / 2)


def document_weights(
    path: str, names: Iterable[str], tags: Iterable[str], meta: Mapping[str, str], text: str
) -> SparseVector:
    """Return the sparse vector of a segment: the forms of the words in its facts and its text.

    Every segment has the word "", because the engines do not count a point in N if its first sparse vector was empty.
    """
    said = "\n".join((path, *names, *tags, *meta.values(), text))
    counts = Counter(form for word in words_of(said) for form in forms(word))
    counts.update(inner_forms(said))
    return _sparse({"": 1.0, **{word: tf * (K + 1) / (tf + K) for word, tf in counts.items()}})


def _sparse(weights: Mapping[str, float]) -> SparseVector:
    by_index = {zlib.crc32(word.encode()): weight for word, weight in weights.items()}
    return SparseVector(tuple(by_index), tuple(by_index.values()))
