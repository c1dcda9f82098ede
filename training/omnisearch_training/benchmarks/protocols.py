"""The protocols of benchmarks, on embeddings: NumPy arrays of unit rows in, placements out."""

from collections.abc import Sequence

import numpy as np

from omnisearch.spaces.towers import unit
from omnisearch.types import Floats
from omnisearch_training.evaluate.metrics import holders_of
from omnisearch_training.evaluate.placement import Placement, place


def both_directions(items: Floats, others: Floats, owners: Sequence[int]) -> tuple[Placement, Placement]:
    """Rank `others` (m, dim) for `items` (n, dim), then `items` for `others`; `owners[j]` is the item of others j.

    An item with several captions finds one if any of them is among the first; every caption asks alone. The captions
    of one item are resampled together.
    """
    own = holders_of([str(owner) for owner in owners])
    forth = place(items, others, [own[str(i)] for i in range(len(items))])
    return forth, place(others, items, [[owner] for owner in owners], [str(owner) for owner in owners])


def class_vectors(prompted: Floats, classes: int) -> Floats:
    """Return the mean direction of each class over templates: (classes, dim).

    `prompted` are unit rows (templates * classes, dim); those of the first template come first.
    Source: Radford et al. 2021, section 3.1.4.
    """
    return unit(prompted.reshape(-1, classes, prompted.shape[1]).mean(axis=0))


def classify(items: Floats, classes: Floats, labels: Sequence[int]) -> Placement:
    """Rank the classes (c, dim) for each item (n, dim); `labels[i]` is the class of item i."""
    return place(items, classes, [[label] for label in labels])


def tag(items: Floats, classes: Floats, labels: Sequence[Sequence[int]]) -> Placement:
    """Rank the items (n, dim) for each class (c, dim) that some item has; `labels[i]` are the classes of item i."""
    holders: list[list[int]] = [[] for _ in range(len(classes))]
    for row, own in enumerate(labels):
        for label in own:
            holders[label].append(row)
    asked = [i for i, rows in enumerate(holders) if rows]
    return place(classes[np.array(asked)], items, [holders[i] for i in asked])
