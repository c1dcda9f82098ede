"""Ids of points: the same part of the same item always has the same id, so writing twice is writing once."""

from uuid import UUID, uuid5

from omnisearch.types import Segment

NAMESPACE = UUID("6f6d6e69-7365-5172-8368-706f696e7473")


def point_id(item_id: str, segment: Segment) -> str:
    """Return the UUID of one segment of an item, made from the item's id and the segment's place in it."""
    place = (segment.index, segment.start, segment.end, segment.unit)
    return str(uuid5(NAMESPACE, "\n".join([item_id, *(repr(part) for part in place)])))
