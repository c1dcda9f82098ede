"""An item of the index."""

from pydantic import BaseModel

from omnisearch.schema.segment import SegmentOut
from omnisearch.types import Modality


class ItemOut(BaseModel):
    """What is known of an item: `size` in bytes, `duration` in seconds, `mtime` in seconds since 1970."""

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
    segments: list[SegmentOut]
