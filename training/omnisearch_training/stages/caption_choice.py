"""Choose one caption per item and training step, mostly the plain name."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from omnisearch.types import Floats


class Captions:
    """Caption embeddings (k_i, dim) of every item i, concatenated, the plain name first."""

    def __init__(self, captions: Sequence[Floats]) -> None:
        self.rows: Floats = np.concatenate(list(captions))  # (total, dim)
        self._counts = np.array([len(rows) for rows in captions])
        self._starts = np.cumsum(self._counts) - self._counts

    def pick(self, items: NDArray[np.int64], detail: float, draw: np.random.Generator) -> Floats:
        """Choose one caption per item: the first, or with probability `detail` any other. Returns (n, dim)."""
        others = self._counts[items] - 1
        richer = (draw.random(len(items)) < detail) & (others > 0)
        chosen = self._starts[items] + np.where(richer, 1 + draw.integers(0, np.maximum(others, 1)), 0)
        picked: Floats = self.rows[chosen]
        return picked
