"""Calibration: map raw cosines, which differ between modality pairs, to relevances that can be compared."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omnisearch.binding.config import RelevanceConfig
from omnisearch.types import Floats

# If the best relevance among 1,000 segments is below this threshold, nothing matches.
# docs/calibration.md shows how often that is right.
NOTHING, THOUSAND = 0.2, 1000
# A typical slope of relevance over z, as fitted for `mini`.
STEEP = 1.6


def blend(lines: Iterable[tuple[float, RelevanceConfig]]) -> RelevanceConfig:
    """Return the relevance line of a query of several modalities, given the share of each; shares add up to one.

    At any z, its log-odds are the mean of the log-odds of the lines, weighted by share.
    """
    lines = list(lines)
    slope = sum(share * line.slope for share, line in lines)
    level = sum(share * line.slope * line.threshold for share, line in lines)
    return RelevanceConfig(slope=slope, threshold=level / slope)


@dataclass(frozen=True)
class Calibration:
    """Maps scores of one query in one modality to log-odds: odds = slope * ((score - mean) / spread - threshold).

    The odds increase with the score, so the hits of one query in one modality keep the order of their scores.
    """

    mean: float
    spread: float
    config: RelevanceConfig

    def odds(self, scores: Floats) -> NDArray[np.float64]:
        """Return the log-odds (n,) that items with these scores (n,) match."""
        z = (scores.astype(np.float64) - self.mean) / self.spread
        odds: NDArray[np.float64] = self.config.slope * (z - self.config.threshold)
        return odds

    def inputs(self, score: float) -> dict[str, float]:
        """Return the numbers from which the odds of one score are computed, for an explanation."""
        z = (score - self.mean) / self.spread
        given = {"slope": self.config.slope, "threshold": self.config.threshold}
        return {"mean": self.mean, "spread": self.spread, "z": z, **given}


def relevance(odds: float) -> float:
    """Map log-odds to [0, 1]."""
    return 1 / (1 + math.exp(-min(max(odds, -60.0), 60.0)))


def nothing_matches(relevances: Iterable[float], searched: int) -> bool:
    """Return whether the best relevance is so low that it is expected by chance among `searched` segments."""
    return max(relevances, default=0.0) < least(searched)


def least(searched: int) -> float:
    """Return the relevance that the best of `searched` segments must reach: NOTHING for 1,000 segments.

    The largest of n scores by chance lies sqrt(2 ln n) standard deviations above their mean (the first term of the
    extreme value of n normal scores; Leadbetter et al., 1983, theorem 1.5.3), so the threshold increases with n.
    """
    luck, usual = (math.sqrt(2 * math.log(max(n, 2))) for n in (searched, THOUSAND))
    return relevance(math.log(NOTHING / (1 - NOTHING)) + STEEP * (luck - usual))
