"""Lists of items: pages in an order that stays the same while nothing is written, with a cursor to the next page.

Items cannot be ordered by path: stores do not order texts, so each page would read the whole index. The condition
`path:FOLDER/**` lists a folder.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from uuid import UUID

from omnisearch.cursors import pack, unpack
from omnisearch.query.area import Area
from omnisearch.query.conditions import Condition
from omnisearch.stores.base import FIRST, Filter, Mark, Order, Payload, VectorStore
from omnisearch.stores.pages import mark
from omnisearch.types import Modality

# The most items that are read for one page. Conditions that the store only approximates, such as a path with
# wildcards, may exclude nearly all of them. Then a page has fewer items than its limit; the next page continues there.
LOOKED_AT = 8192
STEP = 1024


@dataclass(frozen=True)
class Selection:
    """A selection of items: those with one of the modalities that meet the conditions, in an area of the map.

    `among` are the items in the area, see `Filter.among`; an index finds them.
    """

    modalities: tuple[Modality, ...] = tuple(Modality)
    where: tuple[Condition, ...] = ()
    area: Area = ()
    among: tuple[str, ...] | None = None

    @property
    def filter(self) -> Filter:
        """The filter for the first segment of each of these items."""
        return Filter(modalities=self.modalities, where=self.where, segments=FIRST, among=self.among)


@dataclass(frozen=True)
class ItemPage:
    """Items, each by its first segment. `next_cursor` is None after the last page."""

    items: tuple[Payload, ...]
    next_cursor: str | None


def list_items(store: VectorStore, chosen: Selection, order: Order, limit: int, cursor: str = "") -> ItemPage:
    """Return the page of up to `limit` items that begins at a cursor.

    Raises:
        QueryError: `cursor` is not valid, or belongs to another list or index.
    """
    whose = list_name(store.collection, chosen, order.field, order.descending)
    after = unpack(cursor, whose, _mark) if cursor else None
    found: list[Payload] = []
    step = limit  # fills the page, unless conditions exclude items
    for _ in range(LOOKED_AT // STEP):
        page, left = store.page(chosen.filter, order, after, step), limit - len(found)
        found += [point.payload for point in page.points[:left]]
        after = page.end if len(page.points) <= left else mark(page.points[left - 1], order)
        if after is None or len(found) == limit:
            break
        step = STEP
    return ItemPage(tuple(found), None if after is None else pack(whose, after.id, after.value))


def list_name(collection: str, chosen: Selection, *order: str | int) -> str:
    """Return the name of a list in its cursors."""
    asked = [
        collection,
        sorted(chosen.modalities),
        [repr(condition) for condition in chosen.where],
        chosen.area,
        *order,
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:24]


def _mark(id_: str, value: float) -> Mark:
    if not math.isfinite(value):
        raise ValueError("out of bounds")
    return Mark(str(UUID(id_)), float(value))
