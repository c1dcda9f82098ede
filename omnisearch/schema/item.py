"""Items of the index."""

from pydantic import BaseModel

from omnisearch.schema.segment import SegmentOut
from omnisearch.types import Modality


class ItemFacts(BaseModel):
    """The facts of an item: `size` in bytes, `duration` in seconds, `mtime` in seconds since 1970."""

    id: str
    path: str
    modality: Modality
    mime: str
    duration: float | None
    size: int
    mtime: float
    tags: list[str]
    meta: dict[str, str]
    notes: list[str]


class ItemOut(ItemFacts):
    """An item with its segments."""

    segments: list[SegmentOut]


class ItemEntry(ItemFacts):
    """An item in a list, with the number of its segments and the beginning of its text."""

    segments: int
    snippet: str


class ItemsOut(BaseModel):
    """A page of items. `next_cursor` is the `cursor` of the next page; it is null after the last one.

    A page may be short or empty even if more follow, because one request reads a limited number of items.
    """

    items: list[ItemEntry]
    next_cursor: str | None
