"""Retrieval metrics from embeddings, with bootstrap intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omnisearch.types import Floats

KS = (1, 5, 10)
BLOCK = 2048


@dataclass(frozen=True)
class Recall:
    """Recall@k in per cent for k in KS, its 95 % bootstrap interval, the mean rank, and what chance would give."""

    queries: int
    targets: int
    at: dict[int, float]
    interval: dict[int, tuple[float, float]]
    mean_rank: float
    chance: dict[int, float]


def ranks(
    queries: Floats, targets: Floats, query_groups: Sequence[str], target_groups: Sequence[str]
) -> NDArray[np.int64]:
    """Return for each query the rank (from 1) of the best target of its group: (n,).

    A target is right when it shares the query's group. A tie counts against the right one, so that equal scores for
    everything are no success.
    """
    groups = np.asarray(target_groups)
    found = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), BLOCK):
        scores = queries[start : start + BLOCK] @ targets.T  # (block, targets)
        right = np.asarray(query_groups[start : start + BLOCK])[:, None] == groups[None, :]
        best = np.where(right, scores, -np.inf).max(axis=1)
        found[start : start + BLOCK] = 1 + ((scores >= best[:, None]) & ~right).sum(axis=1)
    return found


def recall(
    queries: Floats, targets: Floats, query_groups: Sequence[str], target_groups: Sequence[str], seed: int = 0
) -> Recall:
    """Measure how often a right target is among the first k; queries without a right target are left out."""
    known = set(target_groups)
    kept = [i for i, group in enumerate(query_groups) if group in known]
    asked = [query_groups[i] for i in kept]
    found = ranks(queries[kept], targets, asked, target_groups)
    draws = np.random.default_rng(seed).integers(0, len(found), (1000, len(found)))
    counts = {group: list(target_groups).count(group) for group in set(asked)}
    right = np.array([counts[group] for group in asked])
    return Recall(
        queries=len(found),
        targets=len(targets),
        at={k: 100 * float((found <= k).mean()) for k in KS},
        interval={k: _interval((found <= k)[draws].mean(axis=1)) for k in KS},
        mean_rank=float(found.mean()),
        chance={k: 100 * float(_chance(right, len(targets), k).mean()) for k in KS},
    )


def _interval(means: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(100 * means, [2.5, 97.5])
    return float(low), float(high)


def _chance(right: NDArray[np.int64], total: int, k: int) -> NDArray[np.float64]:
    """Probability that k targets drawn without replacement hold one of the right ones."""
    missed = np.ones(len(right))
    for i in range(min(k, total)):
        missed *= np.clip((total - right - i) / (total - i), 0, 1)
    return 1 - missed
