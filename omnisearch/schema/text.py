"""The text of an item."""

from pydantic import BaseModel

from omnisearch.schema.segment import SpanOut


class PassageOut(SpanOut):
    """A part of a text. `index` is its number, from 0."""

    index: int
    text: str


class TextOut(BaseModel):
    """Passages of a text in order, out of `total`. Neighbours overlap. `next_cursor` is null after the last one."""

    passages: list[PassageOut]
    total: int
    next_cursor: str | None
