"""The background: embeddings of unrelated items, which estimate the scores that a query gets by chance."""

from collections.abc import Mapping

import numpy as np

from omnisearch.types import Floats, Modality

# The fewest unrelated items from which a standard deviation is estimated.
ENOUGH = 16
# The least spread, as a fraction of the spread of unrelated unit vectors: a background may have nearly equal scores.
NARROWEST = 0.25
# Scores this many standard deviations from the median are those of related items, not of chance. The deviation is
# estimated from the median absolute deviation, which is 1 / 1.4826 of it for normal scores (Rousseeuw and Croux, 1993).
OUTLIER, NORMAL = 5.0, 1.4826


class Background:
    """Embeddings of unrelated items by modality. They estimate the scores that a query gets by chance."""

    def __init__(self, samples: Mapping[Modality, Floats]) -> None:
        self._samples = {m: rows for m, rows in samples.items() if len(rows) >= ENOUGH}

    def chance(self, query: Floats, modality: Modality) -> tuple[float, float]:
        """Return the mean and the spread of the scores of `query` (dim,) by chance. The spread is never near zero.

        Without a background, they are those of unrelated unit vectors: 0 and 1/sqrt(dim).
        """
        mean, spread = 0.0, 1 / float(np.sqrt(len(query)))
        if modality in self._samples:
            usual = without_outliers(self._samples[modality] @ query)
            mean = float(usual.sum()) / len(usual)
            around = usual - np.float32(mean)
            spread = float(np.sqrt(around @ around / len(around)))  # `std` takes five times as long
        return mean, max(spread, NARROWEST / float(np.sqrt(len(query))))


def without_outliers(scores: Floats) -> Floats:
    """Return the scores (n,) that are at most OUTLIER robust standard deviations from their median, the lowest first.

    If more than half of the scores are equal, the deviation cannot be estimated, and all scores are kept.
    """
    ordered = np.sort(scores)  # as fast as finding one median
    median = _middle(ordered)
    deviation = NORMAL * _middle(np.sort(np.abs(ordered - np.float32(median))))
    if deviation <= 0:
        return ordered
    bounds = np.array([median - OUTLIER * deviation, median + OUTLIER * deviation], ordered.dtype)
    return ordered[ordered.searchsorted(bounds[0]) : ordered.searchsorted(bounds[1], "right")]


def _middle(ordered: Floats) -> float:
    """Return the median of numbers (n,) in order."""
    return float(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
