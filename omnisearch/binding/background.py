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
            scores = self._samples[modality] @ query
            usual = without_outliers(scores)
            mean, spread = float(usual.mean()), float(usual.std())
        return mean, max(spread, NARROWEST / float(np.sqrt(len(query))))


def without_outliers(scores: Floats) -> Floats:
    """Return the scores (n,) that are at most OUTLIER robust standard deviations from their median.

    If more than half of the scores are equal, the deviation cannot be estimated, and all scores are kept.
    """
    distance = np.abs(scores - _median(scores))
    deviation = NORMAL * _median(distance)
    return scores[distance <= OUTLIER * deviation] if deviation > 0 else scores


def _median(numbers: Floats) -> float:
    """Return the median of finite numbers (n,), in half the time of `np.median`: every query needs ten."""
    lower, upper = (len(numbers) - 1) // 2, len(numbers) // 2
    ordered = np.partition(numbers, (lower, upper) if lower < upper else upper)
    return float(ordered[lower] + ordered[upper]) / 2
