"""Words as sparse vectors: one dimension for each word, compared by BM25.

    weight of a word = tf (k + 1) / (tf + k),  k = 1.2

tf is how often the word occurs (Robertson & Zaragoza 2009, equation 3.15, with b = 0 because segments are about
equally long). The engines keep in how many of N points a word occurs, n, and multiply by ln(1 + (N - n + 0.5) /
(n + 0.5)), so that the product of a question with a point is the BM25 score.
"""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# The name of the vector in every collection.
WORDS = "words"
K = 1.2

_WORD = re.compile(r"[^\W_]+")
_PART = re.compile(r"\d+|[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+")
# What any question holds says nothing of what is asked for.
_EMPTY = frozenset(
    _WORD.findall(
        "a an and are as at be by for from has have he her his i in is it its my of on or she that the their there "
        "they this to was were which who with you your"
    )
)


@dataclass(frozen=True)
class Sparse:
    """A sparse vector: `values` at `indices`, which are 32 bits of a hash of each word."""

    indices: tuple[int, ...]
    values: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.indices)

    def plain(self) -> list[list[float]]:
        """As JSON."""
        return [list(self.indices), list(self.values)]


def words_of(text: str) -> list[str]:
    """The words of a text, in order: `IMG_2041` are two, and the case does not count."""
    return [word.casefold() for word in _WORD.findall(unicodedata.normalize("NFKC", text))]


def question(text: str) -> Sparse:
    """What is asked of a store: each word of a text once, but for words that every text has."""
    asked = dict.fromkeys(word for word in words_of(text) if word not in _EMPTY)
    return _sparse(dict.fromkeys(asked, 1.0))


def document(path: str, tags: Iterable[str], meta: Mapping[str, str], text: str) -> Sparse:
    """What a store keeps of a segment: the words of all that is known of it.

    A word that is written as several, as `DogBark` and `IMG2041` are, is found whole and by its parts. Every segment
    has the word "", since the engines do not count a point among their N whose first sparse vector was empty.
    """
    said = unicodedata.normalize("NFKC", "\n".join((path, *tags, *meta.values(), text)))
    counts: Counter[str] = Counter()
    for word in _WORD.findall(said):
        counts[word.casefold()] += 1
        parts = _PART.findall(word)
        if len(parts) > 1:
            counts.update(part.casefold() for part in parts)
    return _sparse({"": 1.0, **{word: tf * (K + 1) / (tf + K) for word, tf in counts.items()}})


def _sparse(weights: Mapping[str, float]) -> Sparse:
    by_index = {zlib.crc32(word.encode()): weight for word, weight in weights.items()}
    return Sparse(tuple(by_index), tuple(by_index.values()))
