"""Locations of words: the texts that were read in an indexed file, ranked by BM25 among themselves.

The readings of a file are a collection of their own: a word counts by how few of them have it, and a score becomes odds
as in `rank/lexical.py` for a collection of this size.
"""

from collections.abc import Mapping, Sequence
from math import log

import numpy as np

from omnisearch.query.expressions import Sum
from omnisearch.search.locate.results import Extent, Location, LocationPart, MarkedText
from omnisearch.search.rank.calibration import relevance
from omnisearch.search.rank.lexical import query_words
from omnisearch.stores.bm25 import asked_forms, asked_words, document_weights
from omnisearch.stores.field_text import FieldText
from omnisearch.stores.marks import mark_words
from omnisearch.types import Reading, Segment


def find_words(total: Sum, readings: Sequence[Reading]) -> list[Location]:
    """Return the locations of the readings that have words of a sum, the most relevant first.

    Their `score` is the share of the sum's words that they have.
    """
    placed = [(reading, at) for reading in readings if (at := _extent(reading)) is not None]
    asked = query_words(total, len(placed))
    if asked is None:
        return []
    weights = dict(zip(asked.words.indices, asked.words.values, strict=True))
    held = [_words(reading) for reading, _ in placed]
    rarity = {word: _rarity(sum(word in words for words in held), len(held)) for word in weights}
    found = []
    for (reading, at), words in zip(placed, held, strict=True):
        common = weights.keys() & words.keys()
        bm25 = sum(weights[word] * words[word] * rarity[word] for word in common)
        score = asked.placed(bm25, [FieldText(reading.field, reading.text, reading.language, reading)])
        odds = float(asked.odds(np.array([score], np.float32))[0])
        if odds > -np.inf:
            share = _share(total, reading)
            part = LocationPart(str(total), at, share, relevance(odds))
            found.append(Location(at, share, relevance(odds), (part,), _marked(total, reading)))
    return sorted(found, key=lambda location: -location.relevance)


def _extent(reading: Reading) -> Extent | None:
    """Return the time of a reading, or its box in a picture; None for a text without a place."""
    if reading.start is not None and reading.end is not None:
        return Segment(0, reading.start, reading.end, "seconds")
    return reading.box


def _words(reading: Reading) -> Mapping[int, float]:
    words = document_weights([FieldText(reading.field, reading.text, reading.language, reading)])
    return dict(zip(words.indices, words.values, strict=True))


def _rarity(having: int, of: int) -> float:
    return log(1 + (of - having + 0.5) / (having + 0.5))  # as the engines weigh a word (stores/bm25.py)


def _share(total: Sum, reading: Reading) -> float:
    words = asked_words("\n".join(total.added_texts))
    return sum(bool(mark_words(reading.text, asked_forms(word))[0]) for word in words) / len(words)


def _marked(total: Sum, reading: Reading) -> MarkedText:
    marks, _ = mark_words(reading.text, frozenset(f for text in total.added_texts for f in asked_forms(text)))
    return MarkedText(reading.field, reading.text, marks)
