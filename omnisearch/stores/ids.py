"""Ids of points: the same part of the same item always has the same id, so a repeated write replaces the point."""

from uuid import UUID, uuid5

from omnisearch.types import Segment

NAMESPACE = UUID("6f6d6e69-7365-5172-8368-706f696e7473")


def point_id(item_id: str, segment: Segment) -> str:
    """Return the UUID of one segment of an item, made from the item's id and the segment's index."""
    bounds = [None if bound is None else float(bound) for bound in (segment.start, segment.end)]
    return str(uuid5(NAMESPACE, "\n".join([item_id, str(segment.index), *map(repr, bounds), str(segment.unit)])))
