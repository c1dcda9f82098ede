"""The items nearest to a vector: one segment for each, however long the items are."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from omnisearch.search.rank.scorer import RankedItem
from omnisearch.stores.base import Filter, Lookup, Scored
from omnisearch.types import Floats

Page: TypeAlias = Sequence[Scored]
# A search, step by step: it yields lookups, gets a page for each, and ends with the most relevant items.
Steps: TypeAlias = Generator[Sequence[Lookup], Sequence[Page], list[RankedItem]]


@dataclass
class NearestItems:
    """Collects the best segment of each of the `limit` items nearest to `vector` (dim,) that pass `chosen`.

    The store ranks segments, and a long item can fill a page. So items already seen are excluded and the lookup is
    repeated until enough items are found.
    """

    vector: Floats
    limit: int
    chosen: Filter
    best: dict[str, Scored] = field(default_factory=dict)
    done: bool = False

    @property
    def lookup(self) -> Lookup:
        """The next lookup to send to the store."""
        chosen = self.chosen
        if self.best:
            chosen = replace(chosen, exclude_item_ids=(*chosen.exclude_item_ids, *self.best))
        # Points are expensive and most items have one segment, so few extra points are fetched in one lookup.
        return Lookup(self.vector, self.limit - len(self.best) + 8, chosen)

    def take(self, wanted: int, page: Sequence[Scored]) -> None:
        """Add the result of a lookup with the limit `wanted`."""
        for point in page:
            self.best.setdefault(point.place.item_id, point)
        self.done = len(self.best) >= self.limit or len(page) < wanted

    @property
    def points(self) -> list[Scored]:
        """The best segments found, one per item."""
        return list(self.best.values())[: self.limit]
