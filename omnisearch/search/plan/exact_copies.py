"""Copies of a query file: items that hold all of its segments, and are therefore certain matches.

Relevance compares a score with the scores of unrelated items, so it is low if the collection has many copies. Also, the
segments of a long file are not near their mean. So a copy is a certain match whatever its score.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from omnisearch.query.expressions import ItemRef, Sum
from omnisearch.search.plan.embed import EmbeddedTerm
from omnisearch.stores.base import Filter, Lookup, Scored, VectorStore
from omnisearch.types import Floats

# Unit vectors 2.6 degrees apart. Rounding in float32 moves a cosine by 1e-6.
IDENTICAL = 0.999
# Log-odds added to the score of a copy: more than any score can reach, and exp(-x) does not underflow.
CERTAIN = 500.0
# The first and the largest number of copies to look for.
FIRST, MOST = 16, 256
# Items whose segments are in memory at a time.
ITEMS = 32


def find_copies(store: VectorStore, total: Sum, embedded: EmbeddedTerm, chosen: Filter) -> list[Scored]:
    """Return one point of each `chosen` item that equals or contains the single file of a sum.

    A file is also found by its content hash, in case the index holds segments of an older decoder.
    """
    (term, *others), segments = total.terms, embedded.segments
    if others or term.weight <= 0 or segments is None:
        return []
    points = _that_hold(store, segments, chosen)
    is_whole = term.slice is None and not (isinstance(term.source, ItemRef) and term.source.segment is not None)
    if is_whole and embedded.item_id is not None and embedded.item_id not in chosen.exclude_item_ids:
        own = replace(chosen, item_ids=(embedded.item_id,))
        points += store.search([Lookup(embedded.vector, 1, own)], with_vectors=True)[0]
    return list({point.place.item_id: point for point in points}.values())


def _that_hold(store: VectorStore, segments: Floats, chosen: Filter) -> list[Scored]:
    """Return the points identical to the first segment, if their items also contain the other segments."""
    points = _identical(store, segments[0], chosen)
    if len(segments) == 1:
        return points
    holding = set(_holding(store, [point.place.item_id for point in points], segments))
    return [point for point in points if point.place.item_id in holding]


def _identical(store: VectorStore, vector: Floats, chosen: Filter) -> list[Scored]:
    limit = FIRST
    while True:
        [page] = store.search([Lookup(vector, limit, chosen)], with_vectors=True)
        found = [point for point in page if point.score >= IDENTICAL]
        if len(found) < limit or limit >= MOST:
            return found
        limit *= 4


def _holding(store: VectorStore, item_ids: Sequence[str], segments: Floats) -> Iterator[str]:
    """Yield the items that have a segment identical to each of `segments` (n, dim)."""
    ids = tuple(dict.fromkeys(item_ids))
    for at in range(0, len(ids), ITEMS):
        rows: dict[str, list[Floats]] = defaultdict(list)
        for point in store.scroll(Filter(item_ids=ids[at : at + ITEMS]), with_vectors=True):
            rows[point.payload.item_id].append(point.vector)
        for item_id, vectors in rows.items():
            if (segments @ np.stack(vectors).T).max(axis=1).min() >= IDENTICAL:
                yield item_id
