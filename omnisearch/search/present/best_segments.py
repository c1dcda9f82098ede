"""The best segments of a hit, merged if they touch."""

from collections.abc import Mapping, Sequence

from omnisearch.query.expressions import Summand
from omnisearch.search.present.explanation import score_at
from omnisearch.search.present.merge_segments import merge_segments
from omnisearch.search.present.shown_rows import best_rows
from omnisearch.search.rank.scorer import RankedItem
from omnisearch.stores.base import Payload, VectorStore
from omnisearch.types import Floats, Segment

Parts = tuple[tuple[Segment, float], ...]


def best_segments(
    store: VectorStore, entries: Sequence[RankedItem], payloads: Mapping[str, Payload], most: int
) -> list[Parts]:
    """Return, for each item, up to `most` of its best segments with their scores; none for an item without bounds.

    `payloads` are those of their `shown_rows`, by point id.

    For a sum, the search retrieves only the best segment; one call of the store retrieves the others of all items.
    """
    cut = [entry for entry in entries if isinstance(entry.scored.scorer.expression, Summand) and _many(entry, most)]
    found = store.best_segments([_wanted(entry) for entry in cut], most) if cut else ()
    asked = dict(zip(cut, found, strict=True))
    return [tuple(merge_segments(_bounded(asked[e] if e in asked else _judged(e, payloads, most)))) for e in entries]


def _many(entry: RankedItem, most: int) -> bool:
    return most > 1 and entry.point.place.segments > 1


def _wanted(entry: RankedItem) -> tuple[Floats, str]:
    (leaf,) = entry.scored.scorer.leaves.values()
    return leaf.vector, entry.point.place.item_id


def _judged(entry: RankedItem, payloads: Mapping[str, Payload], most: int) -> list[tuple[Segment, float]]:
    """Return the best segments among those that were scored."""
    scored = entry.scored
    return [
        (payloads[scored.points[row].id].segment, score_at(scored.scores, scored.expression, row))
        for row in best_rows(entry, most)
    ]


def _bounded(found: Sequence[tuple[Segment, float]]) -> list[tuple[Segment, float]]:
    return [(segment, score) for segment, score in found if segment.start is not None]
