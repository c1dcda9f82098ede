"""Items of the index."""

from typing import Literal

from pydantic import BaseModel

from omnisearch.schema.segment import SegmentOut
from omnisearch.types import Modality


class MetadataOut(BaseModel):
    """What a file says of itself; null or empty where it says nothing.

    `time` is the local time at which it was made, as ISO 8601, with its offset if that is known; `taken` is the same in
    seconds since 1970. The position is in degrees.
    """

    time: str
    taken: float | None
    latitude: float | None
    longitude: float | None
    place: str
    camera: str
    lens: str
    title: str
    caption: str
    keywords: list[str]
    artist: str
    album: str
    genre: str
    year: int | None
    rating: int | None
    language: str


class ItemFacts(BaseModel):
    """The facts of an item: `size` in bytes, `duration` in seconds, `mtime` and `added` in seconds since 1970.

    `added` is the time of its first indexing. `meta` are labels of the user. `metadata` is what the file says of
    itself. `placeholder` is a ThumbHash in base64, to be shown until the preview has loaded, and `aspect` the preview's
    width / height; both are null while there is no preview.
    """

    id: str
    path: str
    modality: Modality
    mime: str
    duration: float | None
    size: int
    mtime: float
    added: float
    tags: list[str]
    meta: dict[str, str]
    metadata: MetadataOut
    notes: list[str]
    placeholder: str | None = None
    aspect: float | None = None


class ReadingOut(BaseModel):
    """A text that was read in an item: seen in a picture, heard in a sound, or the title of a chapter.

    `start` and `end` are seconds of a sound or a film. `box` is its place in the picture or frame: x, y, width and
    height, as shares of the sides. `language` is a code of ISO 639-1, empty if it is unknown.
    """

    field: Literal["ocr", "speech", "chapter"]
    text: str
    start: float | None
    end: float | None
    box: tuple[float, float, float, float] | None
    language: str


class ItemOut(ItemFacts):
    """An item with its segments, and the texts that were read in it: those with a time in order of their start."""

    segments: list[SegmentOut]
    readings: list[ReadingOut]


class ItemEntry(ItemFacts):
    """An item in a list, with the number of its segments and the beginning of its text."""

    segments: int
    snippet: str


class CopiesOut(BaseModel):
    """The first `paths` of the files with the content of an item, in order, out of `total`."""

    paths: list[str]
    total: int


class ItemsOut(BaseModel):
    """A page of items. `next_cursor` is the `cursor` of the next page; it is null after the last one.

    A page may be short or empty even if more follow, because one request reads a limited number of items.
    """

    items: list[ItemEntry]
    next_cursor: str | None
