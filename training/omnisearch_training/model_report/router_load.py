"""Router load: how a router spreads its factors over the items of a modality."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.types import Modality
from omnisearch_training.evaluate.recall import Side

BINS = 20


@dataclass(frozen=True)
class Load:
    """The factors of one branch over the n items of a modality.

    `largest` is the share of items for which no other branch has a larger factor, `skipped` the share of zero factors,
    and `histogram` counts the factors in BINS equal parts of [0, 1].
    """

    modality: Modality
    branch: str
    items: int
    mean: float
    deviation: float
    largest: float
    skipped: float
    histogram: tuple[int, ...]


def loads(model: OmniBind, sides: Mapping[Modality, Side]) -> Iterator[Load]:
    """Yield the load of each branch, for the modalities with several. Videos have no router of their own."""
    for modality, side in sides.items():
        branches = model.config.branches.get(modality, ())
        if len(branches) < 2:
            continue
        drawn = model.factors(modality, side.embeddings)
        factors = np.stack([drawn[f"{modality}:{branch.name}"] for branch in branches], axis=1)  # (n, branches)
        # Fixed factors can be equal, and then each branch has a part of the load.
        largest = factors >= factors.max(axis=1, keepdims=True) - 1e-6
        shares = (largest / largest.sum(axis=1, keepdims=True)).mean(axis=0)
        for i, branch in enumerate(branches):
            own = factors[:, i]
            yield Load(
                modality,
                branch.name,
                len(own),
                float(own.mean()),
                float(own.std()),
                float(shares[i]),
                float((own < 1e-6).mean()),
                tuple(int(count) for count in np.histogram(own.clip(0, 1), BINS, (0, 1))[0]),
            )
