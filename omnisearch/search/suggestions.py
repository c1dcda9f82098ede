"""Suggestions: what a user may mean by the first letters of a word, from the names, labels and metadata of items.

They come from a sample of the items (`item_sample`), so reading them takes about a second at most, and their memory is
bounded. In a larger collection, a value that few items have may be absent.
"""

import heapq
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from omnisearch.query.conditions import TEXTS
from omnisearch.query.folding import folded_words
from omnisearch.search.counts import place_names
from omnisearch.search.item_sample import read_sample
from omnisearch.stores.base import FIRST, Filter, Payload, VectorStore

MOST_TEXTS = 50_000
MAX_LENGTH = 128  # characters; longer texts are not suggested
KEPT_SECONDS = 30.0  # until texts are read again, if the number of points has changed


@dataclass(frozen=True)
class Suggestion:
    """A text that occurs in a field of `count` items.

    `field` is that of the condition FIELD:TEXT (`tag`, `meta.KEY`, `place`, `camera` ...), or `name` or `keywords`.
    """

    text: str
    field: str
    count: int


@dataclass(frozen=True)
class Suggestions:
    """The best suggestions first. Unless `exact` is true, their counts are estimates from a sample."""

    found: tuple[Suggestion, ...]
    exact: bool


class Vocabulary:
    """The texts of a collection that are suggested. Safe to use from several threads."""

    def __init__(
        self, store: VectorStore, count: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`count` returns the number of points of the store."""
        self._store, self._count, self._clock = store, count, clock
        self._reading = threading.Lock()
        self._texts: list[tuple[str, Suggestion]] | None = None  # each with its folded words
        self._exact, self._points, self._read = True, 0, 0.0

    def suggest(self, typed: str, limit: int) -> Suggestions:
        """Return up to `limit` texts that have the typed letters, without case and accents.

        Texts that begin with them are first, then texts with a word that does; more frequent texts are before others.
        """
        wanted = " ".join(folded_words(typed))
        if not wanted:
            return Suggestions((), exact=True)
        texts = self._fresh()
        ranked = ((_rank(folded, wanted), one) for folded, one in texts if wanted in folded)
        best = heapq.nsmallest(
            limit, ranked, key=lambda pair: (pair[0], pair[1].field == "name", -pair[1].count, pair[1].text)
        )
        return Suggestions(tuple(one for _, one in best), self._exact)

    def _fresh(self) -> list[tuple[str, Suggestion]]:
        """Return the texts. While one thread reads them again, others use the earlier ones."""
        points = self._count()
        is_old = points != self._points and self._clock() - self._read >= KEPT_SECONDS
        if (self._texts is None or is_old) and self._reading.acquire(blocking=self._texts is None):
            try:
                if self._texts is None or points != self._points:  # no other thread has read them meanwhile
                    self._texts, self._exact = read_texts(self._store)
                    self._points, self._read = points, self._clock()
            finally:
                self._reading.release()
        assert self._texts is not None
        return self._texts


def read_texts(store: VectorStore) -> tuple[list[tuple[str, Suggestion]], bool]:
    """Read the texts of a sample of items, each with its folded words; and whether the sample has all items."""
    found, share = read_sample(store, Filter(segments=FIRST))
    counts: Counter[tuple[str, str]] = Counter()
    for payload in found:
        for key in dict.fromkeys(_texts(payload)):
            if key in counts or (len(counts) < MOST_TEXTS and len(key[1]) <= MAX_LENGTH):
                counts[key] += 1
    suggestions = (Suggestion(text, field, round(count / share)) for (field, text), count in counts.items())
    return [(" ".join(folded_words(one.text)), one) for one in suggestions], share == 1.0


def _texts(payload: Payload) -> Iterator[tuple[str, str]]:
    said = payload.metadata
    yield from (("tag", tag) for tag in payload.tags)
    yield from ((f"meta.{key}", value) for key, value in payload.meta.items())
    yield from (("place", name) for name in place_names(said.place))
    yield from ((field, text) for field in TEXTS if field != "place" and (text := getattr(said, field)))
    yield from (("keywords", word) for word in said.keywords)
    yield "name", PurePosixPath(payload.path).name


def _rank(folded: str, wanted: str) -> int:
    if folded.startswith(wanted):
        return 0
    return 1 if f" {wanted}" in folded else 2
