"""Near-duplicates: items that are almost the same, folded under the most relevant one of them.

Two items are near-duplicates if they have the same modality and the same number of segments, and every segment of one
has at least the cosine ALIKE with the same segment of the other; films that share one frame are not duplicates. Nor are
pictures in which other texts were read: texts that are not equally near to the query. Each item is compared with the
hits before it. So a burst of any length is folded under one hit or a few.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from omnisearch.search.plan.exact_copies import IDENTICAL
from omnisearch.search.rank.scorer import RankedItem
from omnisearch.stores.base import Filter, VectorStore
from omnisearch.types import Floats, Modality

# Unit vectors 11 degrees apart, as frames of a burst and re-encoded files are. Texts of one form, such as invoices, may
# differ only by a number, so they are folded only if their vectors are equal.
ALIKE = {**dict.fromkeys(Modality, 0.98), Modality.TEXT: IDENTICAL}
# Cosines of equal texts with a query differ by no more, after half precision.
SAME_TEXT = 0.01
# Near-duplicates are almost equally relevant, so an item is compared with the hits just before it. A fixed number of
# hits and of items makes the folding independent of the length of a page.
REACH, MOST = 16, 256
# The most multiplications of a matrix product. OpenBLAS computes larger products in several threads, which wait busily
# for each other: on a busy machine that can take a hundred times as long as the product.
PRODUCT = 1 << 18

Segments = Mapping[str, Mapping[int, Floats]]


@dataclass(eq=False, slots=True)  # not frozen, like RankedItem
class DedupedItem:
    """An item with the ids of its near-duplicates, the most relevant first."""

    entry: RankedItem
    duplicates: tuple[str, ...] = ()

    @property
    def modality(self) -> Modality:
        """The modality of the item."""
        return _modality(self.entry)

    @property
    def id(self) -> str:
        """The id of the item."""
        return self.entry.point.place.item_id


def fold_near_duplicates(
    store: VectorStore, ranked: Sequence[RankedItem], more: bool
) -> tuple[list[DedupedItem], RankedItem | None]:
    """Fold the ranked items of one modality; return those whose near-duplicates are all known.

    If `more` items follow, the last items may have more near-duplicates. They are left out, and the first of them is
    returned as the second value.
    """
    alike = _alike_before(ranked)
    under = _folded_under(ranked, alike, _segments(store, ranked, alike))
    hits = sorted(set(under))
    folded: dict[int, list[str]] = {at: [] for at in hits}
    for at, hit in enumerate(under):
        if at != hit:
            folded[hit].append(ranked[at].point.place.item_id)
    whole = len(hits)
    if more:
        whole = next((n for n, at in enumerate(hits) if len(hits) - n <= REACH and len(ranked) - at < MOST), whole)
    kept = [DedupedItem(ranked[at], tuple(folded[at])) for at in hits[:whole]]
    return kept, ranked[hits[whole]] if whole < len(hits) else ranked[-1] if more else None


def _folded_under(ranked: Sequence[RankedItem], alike: Mapping[int, set[int]], segments: Segments) -> list[int]:
    """Return, for each item, the first of the REACH hits before it that it duplicates, or else the item itself."""
    if not alike:
        return list(range(len(ranked)))
    under: list[int] = []
    hits: list[int] = []
    for at, entry in enumerate(ranked):
        near = (hit for hit in hits[-REACH:] if hit in alike[at]) if at in alike else ()
        under.append(next((hit for hit in near if _are_near(ranked[hit], entry, segments)), at))
        if under[at] == at:
            hits.append(at)
    return under


def _alike_before(ranked: Sequence[RankedItem]) -> dict[int, set[int]]:
    """Return, for each item, which of the MOST items before it have a similar best segment. Omits items with none."""
    found: dict[int, set[int]] = {}
    if not ranked:
        return found
    rows, least = _rows(ranked), ALIKE[_modality(ranked[0])]
    size = max(1, PRODUCT // (min(len(rows), MOST) * rows.shape[1]))
    for start in range(0, len(ranked), size):
        block = rows[start : start + size]
        alike = block @ rows[start : start + size + MOST].T >= least
        if np.count_nonzero(alike) <= len(block):  # each item is similar to itself
            continue
        for one, other in np.argwhere(np.triu(alike, 1)).tolist():
            if other - one < MOST:
                found.setdefault(start + other, set()).add(start + one)
    return found


def _are_near(one: RankedItem, other: RankedItem, segments: Segments) -> bool:
    """Return whether all segments of two items are similar. Their best segments are known to be."""
    first, second = one.point.place, other.point.place
    if first.segments != second.segments or not _say_alike(one, other):
        return False
    return first.segments == 1 or _all_alike(segments[first.item_id], segments[second.item_id], ALIKE[first.modality])


def _say_alike(one: RankedItem, other: RankedItem) -> bool:
    """Return whether the texts in two items are equally near to the query; screenshots of one program differ."""
    first, second = one.scored.text_scores, other.scored.text_scores
    pairs = ((first[leaf][one.row], second[leaf][other.row]) for leaf in first.keys() & second.keys())
    return all(np.isclose(a, b, rtol=0, atol=SAME_TEXT, equal_nan=True) for a, b in pairs)


def _segments(store: VectorStore, ranked: Sequence[RankedItem], alike: Mapping[int, set[int]]) -> Segments:
    """Return the vectors of all segments of items with several segments that may be near-duplicates."""
    items: set[str] = set()
    for at, before in alike.items():
        late = ranked[at].point.place
        for early in (ranked[other].point.place for other in before):
            items |= {early.item_id, late.item_id} if early.segments == late.segments > 1 else set()
    found: dict[str, dict[int, Floats]] = defaultdict(dict)
    if items:
        for point in store.scroll(Filter(item_ids=tuple(sorted(items))), with_vectors=True):
            found[point.payload.item_id][point.payload.segment.index] = point.vector
    return found


def _rows(ranked: Sequence[RankedItem]) -> Floats:
    """Return the vectors (n, dim) of the best segments."""
    return np.array([entry.scored.vectors[entry.row] for entry in ranked])


def _modality(entry: RankedItem) -> Modality:
    return entry.point.place.modality


def _all_alike(one: Mapping[int, Floats], other: Mapping[int, Floats], alike: float) -> bool:
    if one.keys() != other.keys():
        return False
    first, second = (np.stack([rows[index] for index in sorted(one)]) for rows in (one, other))
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return bool(((first * second).sum(axis=1) >= alike * norms).all())
