"""The text of an item: its passages in order, in pages."""

import hashlib
import json
from dataclasses import dataclass

from omnisearch.cursors import pack, unpack
from omnisearch.errors import NoTextError, NotFoundError
from omnisearch.stores.base import Filter, Payload, VectorStore
from omnisearch.types import Modality


@dataclass(frozen=True)
class Passage:
    """A part of a text: the characters from `start` to `end`, counted from its beginning. `part` names its page."""

    index: int
    start: int
    end: int
    text: str
    part: str


@dataclass(frozen=True)
class TextPage:
    """Passages of a text that has `total` of them. `next_cursor` is None after the last page."""

    passages: tuple[Passage, ...]
    total: int
    next_cursor: str | None


def read_text(store: VectorStore, item_id: str, limit: int, cursor: str = "") -> TextPage:
    """Return up to `limit` passages of an item, starting after `cursor`.

    They come from the store, which keeps each passage as it was embedded. Decoding the file again would start a
    process, would fail if the file is missing or has changed, and would split it by the current settings.

    Raises:
        NotFoundError: no such item.
        NoTextError: the item is no text.
        QueryError: `cursor` is not valid, or belongs to another item or index.
    """
    whose = hashlib.sha256(json.dumps([store.collection, item_id, "text"]).encode()).hexdigest()[:24]
    start = unpack(cursor, whose, _place) if cursor else 0
    chosen = Filter(item_ids=(item_id,), segments=range(start, start + limit))
    found = sorted((point.payload for point in store.scroll(chosen)), key=lambda payload: payload.segment.index)
    if not found:
        raise NotFoundError(f"no item {item_id!r} in the index" if start == 0 else f"item {item_id} has become shorter")
    if found[0].modality is not Modality.TEXT:
        raise NoTextError(f"item {item_id} has no text: it is of the modality {found[0].modality}")
    total, following = found[0].segments, found[-1].segment.index + 1
    return TextPage(tuple(map(_passage, found)), total, pack(whose, following) if following < total else None)


def _passage(payload: Payload) -> Passage:
    start = int(payload.segment.start or 0)
    return Passage(payload.segment.index, start, start + len(payload.passage), payload.passage, payload.segment.part)


def _place(index: int) -> int:
    if index < 1:
        raise ValueError("out of bounds")
    return int(index)
