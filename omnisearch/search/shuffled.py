"""Lists of items in an order that a seed selects, to browse a collection.

Ids of points are hashes. The list begins at an id that the seed selects, continues in order of id, and ends with the
points before that id. It is read in windows of WINDOW points, and each window is shuffled. So every item is in the list
once, and a page costs the same in a collection of any size.
"""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from omnisearch.cursors import pack, unpack
from omnisearch.search.item_list import LOOKED_AT, ItemPage, Selection, list_name
from omnisearch.search.item_sample import STEP
from omnisearch.stores.base import Mark, Order, Payload, Point, VectorStore

WINDOW = 512


@dataclass(frozen=True)
class Shuffle:
    """An order of items that `seed` selects."""

    seed: int


@dataclass(frozen=True)
class _Place:
    """The place after the point `id`, or before all points if that is empty. `wrapped` is true after the last point."""

    id: str
    wrapped: bool = False


def shuffled_items(store: VectorStore, chosen: Selection, order: Shuffle, limit: int, cursor: str = "") -> ItemPage:
    """Return the page of up to `limit` items that begins at a cursor.

    Raises:
        QueryError: `cursor` is not valid, or belongs to another list or index.
    """
    whose, start = list_name(store.collection, chosen, "sample", order.seed), _start(order)
    place, skipped = unpack(cursor, whose, _read) if cursor else (_Place(start), 0)
    items: list[Payload] = []
    for _ in range(LOOKED_AT // WINDOW):
        window, following = _window(store, chosen, start, place)
        window.sort(key=lambda point: _hash(order, point.id))
        taken = window[skipped : skipped + limit - len(items)]
        items += [point.payload for point in taken]
        skipped += len(taken)
        if skipped < len(window):
            break
        if following is None:
            return ItemPage(tuple(items), None)
        place, skipped = following, 0
        if len(items) == limit:
            break
    return ItemPage(tuple(items), pack(whose, place.id, place.wrapped, skipped))


def _window(store: VectorStore, chosen: Selection, start: str, place: _Place) -> tuple[list[Point], _Place | None]:
    """Return the selected points among the next WINDOW points, and the place after these; None after the last one."""
    found: list[Point] = []
    for _ in range(WINDOW // STEP):
        page = store.page(chosen.filter, Order(), Mark(place.id) if place.id else None, STEP)
        end = "" if page.end is None else page.end.id
        if place.wrapped:
            found += [point for point in page.points if point.id <= start]
            if not end or end > start:
                return found, None
        else:
            found += page.points
        place = _Place(end, place.wrapped or not end)
    return found, place


def _read(id_: str, wrapped: bool, skipped: int) -> tuple[_Place, int]:
    if not isinstance(wrapped, bool) or type(skipped) is not int or skipped < 0:
        raise ValueError("not a place")
    return _Place(str(UUID(id_)) if id_ else "", wrapped), skipped


def _start(order: Shuffle) -> str:
    return str(UUID(bytes=_hash(order, "")))


def _hash(order: Shuffle, id_: str) -> bytes:
    return hashlib.blake2b(f"{order.seed}:{id_}".encode(), digest_size=16).digest()
