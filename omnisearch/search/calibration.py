"""Calibration: raw cosines of one modality pair cannot be compared with another's; how surprising they are can be."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omnisearch.binding.config import RelevanceConfig
from omnisearch.types import Floats, Modality

# A standard deviation from fewer unrelated items than this says nothing.
ENOUGH = 16
# Without a background: cosines of unrelated unit vectors in `dim` dimensions spread by 1/sqrt(dim).


class Background:
    """Unrelated items per modality, as the model embeds them: what a query scores by chance."""

    def __init__(self, samples: Mapping[Modality, Floats]) -> None:
        self._samples = {m: rows for m, rows in samples.items() if len(rows) >= ENOUGH}

    def chance(self, query: Floats, modality: Modality) -> tuple[float, float]:
        """Return the mean and the spread of what `query` (dim,) scores by chance; the spread is never near zero."""
        mean, spread = 0.0, 0.0
        if modality in self._samples:
            scores = self._samples[modality] @ query
            mean, spread = float(scores.mean()), float(scores.std())
        return mean, max(spread, 1 / float(np.sqrt(len(query))) / 4)

    def surprise(self, query: Floats, modality: Modality, scores: Floats) -> Floats:
        """Return z (n,): how many standard deviations above chance the `scores` (n,) of `query` (dim,) lie."""
        mean, spread = self.chance(query, modality)
        z: Floats = (scores - mean) / spread
        return z


@dataclass(frozen=True)
class Calibration:
    """What the scores of one query in one modality mean: odds = slope * ((score - mean) / spread - threshold).

    Rising in the score, whatever the numbers: the order of one query's hits in one modality is that of their scores.
    """

    mean: float
    spread: float
    config: RelevanceConfig

    def odds(self, scores: Floats) -> NDArray[np.float64]:
        """Return the log-odds (n,) that items with these scores (n,) match."""
        z = (scores.astype(np.float64) - self.mean) / self.spread
        odds: NDArray[np.float64] = self.config.slope * (z - self.config.threshold)
        return odds


def logit(z: Floats, config: RelevanceConfig) -> Floats:
    """Return the log-odds of a match: what mixed lists are ranked by, since it never saturates."""
    odds: Floats = config.slope * (z - config.threshold)
    return odds


def relevance(odds: float) -> float:
    """Map log-odds to [0, 1]."""
    return float(1 / (1 + np.exp(-np.clip(odds, -60, 60))))
