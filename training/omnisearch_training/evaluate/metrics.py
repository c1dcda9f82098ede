"""Retrieval metrics from embeddings, with bootstrap intervals."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omnisearch.types import Floats

KS = (1, 5, 10)
CELLS = 1 << 24  # similarities in memory at once
DRAWS = 1000
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Recall:
    """Recall@k in per cent for k in KS, its 95 % bootstrap interval, the ranks' mean and median, and chance."""

    queries: int
    targets: int
    at: dict[int, float]
    interval: dict[int, tuple[float, float]]
    mean_rank: float
    median_rank: float
    chance: dict[int, float]


@dataclass(frozen=True, eq=False)
class Ranking:
    """For each query the rank of its first right target (from 1), the number of right targets, and its group: (n,)."""

    ranks: Counts
    right: Counts
    groups: Counts
    targets: int

    def recall(self, seed: int = 0) -> Recall:
        """Summarise; `seed` is for the bootstrap intervals."""
        hits = self._hits()
        means = bootstrap(hits, self.groups, seed)
        return Recall(
            queries=len(self.ranks),
            targets=self.targets,
            at={k: float(mean) for k, mean in zip(KS, hits.mean(axis=0), strict=True)},
            interval={k: _interval(column) for k, column in zip(KS, means.T, strict=True)},
            mean_rank=float(self.ranks.mean()),
            median_rank=float(np.median(self.ranks)),
            chance={k: 100 * float(chance(self.right, self.targets, k).mean()) for k in KS},
        )

    def gain(self, baseline: "Ranking", seed: int = 0) -> dict[int, tuple[float, float, float]]:
        """Recall@k minus that of a baseline on the same queries: its value and 95 % bootstrap interval, in points.

        Both are resampled together, so the interval is narrower than the two single ones suggest.
        """
        difference = self._hits() - baseline._hits()
        means = bootstrap(difference, self.groups, seed)
        return {k: (float(difference[:, i].mean()), *_interval(means[:, i])) for i, k in enumerate(KS)}

    def _hits(self) -> NDArray[np.float64]:
        """100 where a right target is among the first k, else 0: (n, len(KS))."""
        hits: NDArray[np.float64] = np.where(self.ranks[:, None] <= np.array(KS), 100.0, 0.0)
        return hits


def rank(
    queries: Floats,
    targets: Floats,
    answers: Sequence[Collection[int]],
    groups: Sequence[str],
    own: Sequence[int] | None = None,
) -> Ranking:
    """Rank the targets (m, dim) for each query (n, dim) by their product; `answers` holds the right ones of each.

    A tie counts against the right target, so that constant scores do not succeed. `groups` are the concepts of the
    queries; `own` is the row of each query among the targets, which is not a hit.
    """
    return rank_scores(lambda rows: queries[rows] @ targets.T, len(targets), answers, groups, own)


def rank_scores(
    scored: Callable[[slice], Floats],
    targets: int,
    answers: Sequence[Collection[int]],
    groups: Sequence[str],
    own: Sequence[int] | None = None,
) -> Ranking:
    """Rank as `rank` does, by arbitrary scores: scored(rows) returns those of some queries, (rows, targets)."""
    found = np.empty(len(answers), np.int64)
    block = max(1, CELLS // max(1, targets))
    for start in range(0, len(answers), block):
        scores = scored(slice(start, min(start + block, len(answers))))
        right = np.zeros(scores.shape, np.bool_)
        for i in range(len(scores)):
            right[i, list(answers[start + i])] = True
            if own is not None:
                scores[i, own[start + i]] = -np.inf
        found[start : start + block] = _first_right(scores, right)
    labels = np.unique(np.array(groups, dtype=object), return_inverse=True)[1]
    counts = np.array([len(each) for each in answers])
    return Ranking(found, counts, labels, targets - (own is not None))


def best_of(rankings: Sequence[Ranking]) -> Ranking:
    """Return the ranking of an oracle that answers every query by the one of `rankings` that ranks it best."""
    first = rankings[0]
    return Ranking(np.min([each.ranks for each in rankings], axis=0), first.right, first.groups, first.targets)


def mean_recall(rankings: Sequence[Ranking], seed: int = 0) -> dict[int, tuple[float, float, float]]:
    """Return the mean recall@k over several trials, which count equally, and its 95 % bootstrap interval."""
    return _mean_of([(ranking._hits(), ranking.groups) for ranking in rankings], seed)


def mean_gain(
    rankings: Sequence[Ranking], baselines: Sequence[Ranking], seed: int = 0
) -> dict[int, tuple[float, float, float]]:
    """Return the mean over trials of `Ranking.gain` over the baseline of each, and its 95 % bootstrap interval."""
    pairs = zip(rankings, baselines, strict=True)
    return _mean_of([(ranking._hits() - baseline._hits(), ranking.groups) for ranking, baseline in pairs], seed)


def recall(
    queries: Floats, targets: Floats, query_groups: Sequence[str], target_groups: Sequence[str], seed: int = 0
) -> Recall:
    """Measure how often a target of the query's group is among the first k; queries without one are left out."""
    holders = holders_of(target_groups)
    kept = [i for i, group in enumerate(query_groups) if group in holders]
    groups = [query_groups[i] for i in kept]
    return rank(queries[kept], targets, [holders[group] for group in groups], groups).recall(seed)


def holders_of(groups: Sequence[str]) -> dict[str, list[int]]:
    """Return the rows of each group."""
    rows: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(group, []).append(row)
    return rows


def _first_right(scores: Floats, right: NDArray[np.bool_]) -> Counts:
    """Return the rank of the best right target among the wrong ones for scores (n, targets): (n,), from 1."""
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    ranks: Counts = 1 + ((scores >= best) & ~right).sum(axis=1)
    return ranks


def bootstrap(values: NDArray[np.float64], groups: Counts, seed: int) -> NDArray[np.float64]:
    """Draw bootstrap means of values (n, c): (DRAWS, c).

    Queries of one group are drawn together, because six drawings of one thing are not independent.
    """
    _, members = np.unique(groups, return_inverse=True)
    sizes = np.bincount(members)
    sums = np.stack([np.bincount(members, column) for column in values.T], axis=1)
    rng = np.random.default_rng(seed)
    means = np.empty((DRAWS, values.shape[1]))
    block = max(1, CELLS // (len(sizes) * values.shape[1]))
    for start in range(0, DRAWS, block):
        part = means[start : start + block]
        drawn = rng.integers(0, len(sizes), (len(part), len(sizes)))
        part[:] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1, keepdims=True)
    return means


def chance(right: Counts, total: int, k: int) -> NDArray[np.float64]:
    """Return the probability that k targets drawn without replacement include a right one."""
    missed = np.ones(len(right))
    for i in range(min(k, total)):
        missed *= np.clip((total - right - i) / (total - i), 0, 1)
    return 1 - missed


def _mean_of(trials: Sequence[tuple[NDArray[np.float64], Counts]], seed: int) -> dict[int, tuple[float, float, float]]:
    value = np.mean([values.mean(axis=0) for values, _ in trials], axis=0)
    # A seed of its own for each trial: the trials are drawn independently.
    drawn = [bootstrap(values, groups, seed + at) for at, (values, groups) in enumerate(trials)]
    means = np.mean(drawn, axis=0)
    return {k: (float(value[i]), *_interval(means[:, i])) for i, k in enumerate(KS)}


def _interval(means: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
