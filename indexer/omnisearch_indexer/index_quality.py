"""Measure the user's index: recall against exact search, latency, and the similarity of its items."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from omnisearch.config import Settings
from omnisearch.query.expressions import Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.stores.base import Filter, Lookup, VectorStore
from omnisearch.types import Floats, Modality

QUERIES, NEAREST, TIMES = 32, 10, 20
PAGE = 4096
# Smaller differences of two cosines are ignored, because engines add in different orders.
TIE = 1e-5
TEXTS = ("a dog", "rain on a roof", "a wooden chair", "an old train", "somebody playing the piano")


def similarity(rows: Floats) -> float | None:
    """Return the mean cosine of two different rows (n, dim) of unit length, None if there are fewer than two."""
    n = len(rows)
    if n < 2:
        return None
    total = rows.astype(np.float64).sum(axis=0)
    return float((total @ total - n) / (n * (n - 1)))


Shares: TypeAlias = Mapping[Modality, float]


def recall(store: VectorStore, sample: Callable[[Modality], Floats]) -> Shares:
    """Return the share of the exact NEAREST that a search finds (see `recalls`)."""
    return recalls([store], sample)[0]


def recalls(stores: Sequence[VectorStore], sample: Callable[[Modality], Floats]) -> list[Shares]:
    """Return the share of the exact NEAREST that a search of each store finds, for each modality of the index.

    The stores have the same points, and search them in different ways.

    Each modality is searched separately, as the engine does: a graph that finds nearly all nearest points of a
    collection can miss a third of those that match a filter. Each query is the mean of two items, because every index
    finds an item itself. The exact search reads every vector once, in pages. A found point counts if it is as near as
    the last exact one.
    """
    present = {m: rows for m in Modality if len(rows := sample(m))}
    if not present:
        return [{} for _ in stores]
    rows = np.concatenate(list(present.values()))
    rng = np.random.default_rng(0)
    pairs = rng.integers(0, len(rows), (QUERIES, 2))
    queries = rows[pairs[:, 0]] + rows[pairs[:, 1]]
    queries = queries[np.linalg.norm(queries, axis=1) > TIE]
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    exact = {modality: _nearest(stores[0], queries, Filter(modalities=(modality,))) for modality in present}
    return [{modality: _found(store, queries, modality, exact[modality]) for modality in present} for store in stores]


def latency(settings: Settings) -> tuple[float, float]:
    """Return the 50th and the 95th percentile of the time of a text query in an open engine, in milliseconds."""
    took: list[float] = []
    with Engine.open(settings) as engine:
        for n in range(TIMES + len(TEXTS)):  # each text once to warm up, then with a suffix, so that no cache applies
            text = f"{TEXTS[n % len(TEXTS)]} {n}"
            start = time.perf_counter()
            engine.search(Query(Term(text)))
            took.append(1000 * (time.perf_counter() - start))
    middle, slow = np.percentile(took[len(TEXTS) :], [50, 95])
    return float(middle), float(slow)


def _found(store: VectorStore, queries: Floats, modality: Modality, exact: NDArray[np.float64]) -> float:
    """Return the share of the exact nearest points of queries (n, dim) that a search of a modality finds."""
    chosen = Filter(modalities=(modality,))
    found = store.search([Lookup(query, NEAREST, chosen) for query in queries])
    right = sum(p.score >= least - TIE for points, least in zip(found, exact[:, -1], strict=True) for p in points)
    return float(right / exact.size)


def _nearest(store: VectorStore, queries: Floats, chosen: Filter) -> NDArray[np.float64]:
    """Return the NEAREST highest cosines of each query among the matching points: (queries, at most NEAREST)."""
    best = np.empty((len(queries), 0))
    page: list[Floats] = []
    for point in store.scroll(chosen, with_vectors=True):
        page.append(point.vector)
        if len(page) == PAGE:
            best, page = _merge(best, queries, page), []
    return _merge(best, queries, page) if page else best


def _merge(best: NDArray[np.float64], queries: Floats, page: Sequence[Floats]) -> NDArray[np.float64]:
    rows = np.stack(page)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    together = np.concatenate([best, queries.astype(np.float64) @ rows.T.astype(np.float64)], axis=1)
    return -np.sort(-together, axis=1)[:, :NEAREST]
