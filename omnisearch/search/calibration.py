"""Calibration: raw cosines of one modality pair cannot be compared with another's; how surprising they are can be."""

from collections.abc import Mapping

import numpy as np

from omnisearch.binding.config import RelevanceConfig
from omnisearch.types import Floats, Modality

# A standard deviation from fewer unrelated items than this says nothing.
ENOUGH = 16
# Without a background: cosines of unrelated unit vectors in `dim` dimensions spread by 1/sqrt(dim).


class Background:
    """Unrelated items per modality, as the model embeds them: what a query scores by chance."""

    def __init__(self, samples: Mapping[Modality, Floats]) -> None:
        self._samples = {m: rows for m, rows in samples.items() if len(rows) >= ENOUGH}

    def surprise(self, query: Floats, modality: Modality, scores: Floats) -> Floats:
        """Return z (n,): how many standard deviations above chance the `scores` (n,) of `query` (dim,) lie."""
        if modality in self._samples:
            chance = self._samples[modality] @ query
            mean, spread = float(chance.mean()), float(chance.std())
        else:
            mean, spread = 0.0, 0.0
        z: Floats = (scores - mean) / max(spread, 1 / np.sqrt(len(query)) / 4)
        return z


def logit(z: Floats, config: RelevanceConfig) -> Floats:
    """Return the log-odds of a match: what mixed lists are ranked by, since it never saturates."""
    odds: Floats = config.slope * (z - config.threshold)
    return odds


def relevance(odds: float) -> float:
    """Map log-odds to [0, 1]."""
    return float(1 / (1 + np.exp(-np.clip(odds, -60, 60))))
