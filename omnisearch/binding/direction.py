"""A direction of a model, such as text to image: does the right thing come first more often than by chance?"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from omnisearch.types import Floats

PERMUTATIONS = 2000
LEVEL = 0.01  # a direction with a larger p-value is not better than chance
WEAK = 0.8  # a direction whose right things are nearer than a smaller share of the others is weak


class Grade(StrEnum):
    """The outcome of a direction."""

    WORKS = "works"
    WEAK = "weak"
    CHANCE = "chance"


@dataclass(frozen=True)
class Direction:
    """`right` of `count` things are nearest to themselves; by chance, one is.

    `nearer` is the mean share of the other things that are farther than the right one; 0.5 by chance. `p` is the
    probability of such a share by chance. `hub` is the thing that is nearest to the most things, `hub_size` of them.
    """

    source: str
    target: str
    right: int
    count: int
    nearer: float
    p: float
    hub: str
    hub_size: int

    @property
    def grade(self) -> Grade:
        """Whether the direction is better than chance, and by much."""
        if self.p > LEVEL:
            return Grade.CHANCE
        return Grade.WEAK if self.nearer < WEAK else Grade.WORKS


def judge(source: str, target: str, things: list[str], asked: Floats, offered: Floats) -> Direction:
    """Compare the unit rows of n things in two modalities (n, dim) by a permutation test.

    If the rows of a model do not relate, any assignment of queries to things is as good as the right one. `p` is the
    share of random assignments with a mean of `nearer` that is at least as large (Good, 2005, "Permutation,
    Parametric, and Bootstrap Tests of Hypotheses", section 3.2).
    """
    cosines = asked @ offered.T
    # Ties count half, so that equal rows are no better than chance.
    farther = np.stack([(row[:, None] > row).mean(axis=1) + (row[:, None] == row).mean(axis=1) / 2 for row in cosines])
    share = (farther * len(things) - 0.5) / (len(things) - 1)  # without the thing itself, which is a tie
    nearest = cosines.argmax(axis=1)
    found = float(share.diagonal().mean())
    hubs = np.bincount(nearest, minlength=len(things))
    alone = cosines.max(axis=1) > np.sort(cosines, axis=1)[:, -2]
    right = int(((nearest == np.arange(len(things))) & alone).sum())
    p = _p_value(share, found)
    return Direction(source, target, right, len(things), found, p, things[int(hubs.argmax())], int(hubs.max()))


def _p_value(share: NDArray[np.float64], found: float) -> float:
    rows = np.arange(len(share))
    drawn = np.random.default_rng(0).permuted(np.tile(rows, (PERMUTATIONS, 1)), axis=1)
    chance = share[rows, drawn].mean(axis=1)
    return float((1 + (chance >= found - 1e-12).sum()) / (1 + PERMUTATIONS))
