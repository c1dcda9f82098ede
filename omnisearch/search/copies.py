"""Copies of a query file: items that hold all of its segments, and are therefore certain matches.

Relevance compares a score with those of unrelated items, so it says little of a copy where the collection is full of
them, and a file of many segments is not near to the mean of its own segments. A copy is certain whatever the scores of
other items are.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from omnisearch.query import ItemRef, Sum
from omnisearch.search.embed import Embedded
from omnisearch.stores.base import Filter, Lookup, Scored, VectorStore
from omnisearch.types import Floats

# Unit vectors 2.6 degrees apart. Rounding in float32 moves a cosine by 1e-6.
IDENTICAL = 0.999
# Log-odds that a copy has above those of its score: more than any score can give, and exp(-x) still has a value.
CERTAIN = 500.0
# Copies that are looked for: at first, and at most.
FIRST, MOST = 16, 256
# Items whose segments are held at a time.
ITEMS = 32


def find_copies(store: VectorStore, total: Sum, embedded: Embedded, chosen: Filter) -> list[Scored]:
    """Return a point of each item that is, or holds, the one file that a sum is made of, among those that are `chosen`.

    A file is found by its content hash too, for the case that its segments are now made in another way.
    """
    (term, *others), segments = total.terms, embedded.segments
    if others or term.weight <= 0 or segments is None:
        return []
    points = _that_hold(store, segments, chosen)
    is_whole = term.slice is None and not (isinstance(term.source, ItemRef) and term.source.segment is not None)
    if is_whole and embedded.item_id is not None and embedded.item_id not in chosen.exclude_item_ids:
        own = replace(chosen, item_ids=(embedded.item_id,))
        points += store.search([Lookup(embedded.vector, 1, own)], with_vectors=True)[0]
    return list({point.payload.item_id: point for point in points}.values())


def _that_hold(store: VectorStore, segments: Floats, chosen: Filter) -> list[Scored]:
    """The points identical to the first segment, of items that hold the others as well."""
    points = _identical(store, segments[0], chosen)
    if len(segments) == 1:
        return points
    holding = set(_holding(store, [point.payload.item_id for point in points], segments))
    return [point for point in points if point.payload.item_id in holding]


def _identical(store: VectorStore, vector: Floats, chosen: Filter) -> list[Scored]:
    limit = FIRST
    while True:
        [page] = store.search([Lookup(vector, limit, chosen)], with_vectors=True)
        found = [point for point in page if point.score >= IDENTICAL]
        if len(found) < limit or limit >= MOST:
            return found
        limit *= 4


def _holding(store: VectorStore, item_ids: Sequence[str], segments: Floats) -> Iterator[str]:
    """The items that have a segment identical to each of `segments` (n, dim)."""
    ids = tuple(dict.fromkeys(item_ids))
    for at in range(0, len(ids), ITEMS):
        rows: dict[str, list[Floats]] = defaultdict(list)
        for point in store.scroll(Filter(item_ids=ids[at : at + ITEMS]), with_vectors=True):
            rows[point.payload.item_id].append(point.vector)
        for item_id, vectors in rows.items():
            if (segments @ np.stack(vectors).T).max(axis=1).min() >= IDENTICAL:
                yield item_id
