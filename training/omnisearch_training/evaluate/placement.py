"""The places of all right targets in the ranking of each query, and the metrics that need more than the first place."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omnisearch.types import Floats
from omnisearch_training.evaluate import metrics
from omnisearch_training.evaluate.metrics import Counts, Ranking

FEW = 16  # right targets of a query up to which comparing each with all others is faster than sorting


@dataclass(frozen=True, eq=False)
class Placement:
    """For each of n queries the places of its right targets, in ascending order from 1, and its group.

    Of targets with the same score the wrong ones come first, so a tie counts against the right ones.
    """

    places: tuple[Counts, ...]
    groups: Counts
    targets: int

    @property
    def ranking(self) -> Ranking:
        """The ranking by first places, which has recall at k with its interval, and the gain over another one."""
        first = np.array([each[0] for each in self.places])
        return Ranking(first, np.array([len(each) for each in self.places]), self.groups, self.targets)

    def recall(self, k: int) -> NDArray[np.float64]:
        """Return the share of the right targets that are among the first k: (n,)."""
        return np.array([(each <= k).mean() for each in self.places])

    def ndcg(self, k: int) -> NDArray[np.float64]:
        """Return the discounted gain of the first k over that of the best order, every right target alike: (n,)."""
        discounts = 1 / np.log2(np.arange(2, k + 2))
        best = np.cumsum(discounts)
        return np.array([discounts[each[each <= k] - 1].sum() / best[min(len(each), k) - 1] for each in self.places])

    @property
    def reciprocal_rank(self) -> NDArray[np.float64]:
        """One over the first place: (n,)."""
        return np.array([1 / each[0] for each in self.places])

    @property
    def average_precision(self) -> NDArray[np.float64]:
        """The mean over the right targets of the precision at their places: (n,)."""
        return np.array([(np.arange(1, len(each) + 1) / each).mean() for each in self.places])


def place(
    queries: Floats, targets: Floats, answers: Sequence[Collection[int]], groups: Sequence[str] | None = None
) -> Placement:
    """Rank the targets (m, dim) for each query (n, dim) by their product.

    `answers` holds one or more right ones of each query. `groups` names what is resampled together for intervals;
    None means every query alone.
    """
    found: list[Counts] = []
    block = max(1, metrics.CELLS // max(1, len(targets)))
    for start in range(0, len(answers), block):
        scores = queries[start : start + block] @ targets.T
        found += [_places(row, np.fromiter(own, np.int64)) for row, own in zip(scores, answers[start:], strict=False)]
    labels = np.arange(len(found)) if groups is None else np.unique(np.array(groups, object), return_inverse=True)[1]
    return Placement(tuple(found), labels, len(targets))


def _places(scores: Floats, right: Counts) -> Counts:
    """Return the places of the targets `right` by scores (m,)."""
    own = np.sort(scores[right])[::-1]
    wrong = np.delete(scores, right)
    if len(own) <= FEW:
        ahead = (wrong >= own[:, None]).sum(axis=1)
    else:
        ahead = len(wrong) - np.searchsorted(np.sort(wrong), own, "left")
    places: Counts = np.arange(1, len(own) + 1) + ahead
    return places
