"""Proximity: evidence that neighbouring words of a query are neighbours in a text too.

BM25 does not see where words are: a long text that has them far apart, in different sentences, scores as a text about
them. Suppose that a segment has two neighbouring words of a query. In half of the matching segments they follow each
other, and in nearly all others they are near each other. By chance, in a text of some hundred words, they follow each
other in one of hundreds of segments, and are near each other in one of ten. So to the log-odds of a segment each pair
of neighbours in the query adds

     3    if its words follow each other in a text of the segment (ordered bigrams; Metzler & Croft, 2005)
     0    if they are near each other, or one of them is in a short text, such as the name
    -3    if they are far apart in a long text, or one of them is missing there

and if all words of a query of three or more follow each other in a text, each pair adds 3 once more: this text has what
was typed. Common words are left out of queries and texts. In scripts without spaces, words are pairs of characters, and
a pair of these counts half.
"""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import chain, groupby, pairwise
from math import inf
from typing import TypeAlias

from omnisearch.stores.bm25 import content_words
from omnisearch.stores.field_text import FieldText
from omnisearch.stores.stems import has_stems
from omnisearch.stores.tokens import all_forms, plain_forms

# A word as the forms that it has in one place; a text has the word if it has one of them.
Unit: TypeAlias = frozenset[str]
EVIDENCE = 3.0
# Words are near each other if at most this many words are between them.
NEAR = 12
_LONG = ("ocr", "speech", "passage")


@dataclass(frozen=True)
class Neighbours:
    """The words of the texts of a query in order, each as its forms, and the weights of pairs of neighbours."""

    runs: Sequence[Sequence[Unit]] = ()
    pairs: Mapping[tuple[Unit, Unit], float] = field(default_factory=dict)

    @property
    def apart(self) -> float:
        """The evidence against a match if the words of all pairs are far apart."""
        return EVIDENCE * sum(self.pairs.values())

    @property
    def most(self) -> float:
        """The most evidence of any texts: all pairs follow each other, and so do all words."""
        runs = (self.pairs.get(pair, 0) for run in self.runs if len(run) > 2 for pair in pairwise(run))
        return EVIDENCE * (sum(self.pairs.values()) + sum(runs))

    @cached_property
    def _forms(self) -> frozenset[str]:
        return frozenset(chain.from_iterable(chain.from_iterable(self.runs)))

    @cached_property
    def _starts(self) -> frozenset[str]:
        return frozenset(form.removeprefix("=")[:2] for form in self._forms)

    def evidence(self, texts: Iterable[FieldText]) -> float:
        """Return the evidence of the texts of a segment, at least -`apart`."""
        about, *others = (_Places(text, self._forms, self._starts) for text in joined_texts(texts))
        short = [text for text in (about, *(text for text in others if text.is_short)) if text.has_any]
        every = [text for text in (about, *others) if text.has_any]
        total = sum(weight * _evidence(*pair, short, every) for pair, weight in self.pairs.items())
        for run in self.runs:
            if len(run) > 2 and any(text.has_run(run) for text in every):
                total += sum(self.pairs.get(pair, 0) * EVIDENCE for pair in pairwise(run))
        return total


def neighbours(texts: Iterable[tuple[str, float]]) -> Neighbours:
    """Return the words of the texts of a query, and their pairs, given the weight of each text."""
    runs: list[list[Unit]] = []
    pairs: dict[tuple[Unit, Unit], float] = {}
    for text, weight in texts:
        words = [_parts(word) for word in content_words(text)]
        units = [(unit, len(parts) > 1) for parts in words for unit in parts]
        runs.append([unit for unit, _ in units])
        for (one, is_part), (other, also) in pairwise(units):
            if one != other:
                pairs[one, other] = max(pairs.get((one, other), 0), weight * (0.5 if is_part and also else 1.0))
    return Neighbours(runs, pairs)


def joined_texts(texts: Iterable[FieldText]) -> Iterator[str]:
    """Yield the short texts of a segment as one, such as its name, then each of the long ones.

    The lines that were read in a picture, and the sentences that were heard, are one text: phrases go on in the next.
    """
    texts = tuple(texts)
    yield "\n".join(text.text for text in texts if text.field not in _LONG)
    for _, lines in groupby((text for text in texts if text.field in _LONG), key=lambda text: text.field):
        yield "\n".join(line.text for line in lines)


class _Places:
    """The places of the words of a query in a text, by form. `starts` are the first two letters of their forms."""

    def __init__(self, text: str, forms: frozenset[str], starts: frozenset[str]) -> None:
        self._at: dict[str, list[int]] = defaultdict(list)
        words = content_words(text)
        if text.isascii():  # each word is in one place
            placed: Iterable[tuple[int, Unit]] = (
                (n, _parts(word)[0]) for n, word in enumerate(words) if word[:2] in starts
            )
            count = len(words)
        else:
            units = [unit for word in words for unit in _units(word, starts)]
            placed, count = enumerate(units), len(units)
        for place, unit in placed:
            for form in unit & forms:
                self._at[form].append(place)
        self.is_short, self.has_any = count <= NEAR, bool(self._at)
        self._of_unit: dict[Unit, list[int]] = {}

    def has(self, unit: Unit) -> bool:
        """Return whether the text has a word."""
        return not unit.isdisjoint(self._at)

    def has_run(self, units: Sequence[Unit]) -> bool:
        """Return whether the text has words one after the other."""
        ends = set(self._of(units[0]))
        for unit in units[1:]:
            ends = {end + 1 for end in ends}.intersection(self._of(unit))
        return bool(ends)

    def gap(self, one: Unit, other: Unit) -> float:
        """Return the places from `one` to the nearest `other`, at least one; infinite if the text lacks either."""
        before, after = self._of(one), self._of(other)
        if not (before and after):
            return inf
        if not {place + 1 for place in before}.isdisjoint(after):
            return 1
        near = chain.from_iterable(_around(place, after) for place in before)
        return max(2, min(near, default=inf))

    def _of(self, unit: Unit) -> list[int]:
        if unit not in self._of_unit:
            self._of_unit[unit] = sorted({place for form in unit & self._at.keys() for place in self._at[form]})
        return self._of_unit[unit]


def _around(place: int, places: Sequence[int]) -> Iterator[int]:
    """Yield the distances to the last of the sorted `places` up to `place`, and to the first after it."""
    at = bisect(places, place)
    return (abs(place - other) for other in places[max(0, at - 1) : at + 1])


def _evidence(one: Unit, other: Unit, short: Sequence[_Places], every: Sequence[_Places]) -> float:
    gap = min((text.gap(one, other) for text in every), default=inf)
    if gap == 1:
        return EVIDENCE
    is_near = gap <= NEAR or any(text.has(one) or text.has(other) for text in short)
    return 0.0 if is_near else -EVIDENCE


def _units(word: str, starts: frozenset[str]) -> tuple[Unit, ...]:
    """Return the units of a word; an empty one for an ASCII word that cannot be in the query."""
    return (frozenset(),) if word.isascii() and word[:2] not in starts else _parts(word)


@lru_cache(maxsize=1 << 14)
def _parts(word: str) -> tuple[Unit, ...]:
    """Return a word as its forms, or the pairs of characters of a word without spaces, one after the other."""
    if has_stems(word):
        return (all_forms(word),)
    return tuple(frozenset({form}) for form in plain_forms(word))
