"""Near-duplicates: items that are almost the same, folded under the most relevant one of them.

Two items are near where they are of one modality, have as many segments, and every segment of one has at least
the cosine ALIKE with the same segment of the other: one frame in common makes no duplicate of a film.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from omnisearch.search.rank import Ranked
from omnisearch.stores.base import Filter, VectorStore
from omnisearch.types import Floats, Modality

# Unit vectors 2.6 degrees apart. Rounding in float32 moves a cosine by 1e-6.
ALIKE = 0.999
# What is almost the same is almost as relevant, so a near-duplicate stands among the next few of its modality. A fixed
# reach makes what is folded the same on pages of every length.
REACH = 16
# Items that are compared by one product.
BLOCK = 64


@dataclass(frozen=True, eq=False)
class Folded:
    """An item with the ids of its near-duplicates, the most relevant first."""

    entry: Ranked
    duplicates: tuple[str, ...] = ()

    @property
    def modality(self) -> Modality:
        """That of the item."""
        return self.entry.point.payload.modality

    @property
    def key(self) -> tuple[float, str]:
        """Where it stands among all hits: the most relevant first, ties by id."""
        return place(self.entry)


def place(entry: Ranked) -> tuple[float, str]:
    """Where an item stands: its log-odds turned round, and its id."""
    return -entry.odds, entry.point.payload.item_id


def fold(store: VectorStore, lane: Sequence[Ranked], more: bool) -> list[Folded]:
    """Fold the ranked items of one modality.

    Where `more` items follow, the last REACH ones have not met all that they may hide, and are left out.
    """
    near = _near(store, lane)
    hidden: set[int] = set()
    kept = []
    for at in range(len(lane) - (REACH if more else 0)):
        if at not in hidden:
            under = [other for other in near[at] if other not in hidden]
            hidden.update(under)
            kept.append(Folded(lane[at], tuple(lane[other].point.payload.item_id for other in under)))
    return kept


def _near(store: VectorStore, lane: Sequence[Ranked]) -> dict[int, list[int]]:
    """For every item, which of those within its reach are near."""
    pairs = _candidates(lane)
    items = {lane[at].point.payload.item_id for pair in pairs for at in pair if lane[at].point.payload.segments > 1}
    whole: dict[str, dict[int, Floats]] = defaultdict(dict)
    if items:
        for point in store.scroll(Filter(item_ids=tuple(sorted(items))), with_vectors=True):
            whole[point.payload.item_id][point.payload.segment.index] = point.vector
    near: dict[int, list[int]] = defaultdict(list)
    for one, other in pairs:
        first, second = (lane[at].point.payload for at in (one, other))
        if first.segments == 1 or _alike(whole[first.item_id], whole[second.item_id]):
            near[one].append(other)
    return near


def _candidates(lane: Sequence[Ranked]) -> list[tuple[int, int]]:
    """The pairs within reach that have as many segments, and whose best ones are alike."""
    if len(lane) < 2:
        return []
    rows = np.stack([entry.verdict.vectors[entry.row] for entry in lane])
    counts = [entry.point.payload.segments for entry in lane]
    found = []
    for start in range(0, len(lane), BLOCK):
        alike = rows[start : start + BLOCK] @ rows[start : start + BLOCK + REACH].T >= ALIKE
        found += [(start + one, start + other) for one, other in np.argwhere(np.triu(alike, 1)).tolist()]
    return [(one, other) for one, other in found if other - one <= REACH and counts[one] == counts[other]]


def _alike(one: dict[int, Floats], other: dict[int, Floats]) -> bool:
    if one.keys() != other.keys():
        return False
    first, second = (np.stack([rows[index] for index in sorted(one)]) for rows in (one, other))
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return bool(((first * second).sum(axis=1) >= ALIKE * norms).all())
