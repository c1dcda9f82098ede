"""Convert results of the engine to the models of the API's answers."""

from typing import Any

from omnisearch.api.errors import error_document
from omnisearch.api.placeholders import Placeholders
from omnisearch.errors import OmnisearchError
from omnisearch.schema.hit import HitOut
from omnisearch.schema.item import ItemEntry, ItemOut, ItemsOut, ReadingOut
from omnisearch.schema.problem import Problem
from omnisearch.schema.search import FailedOut, SearchOut
from omnisearch.schema.segment import SegmentOut
from omnisearch.schema.text import PassageOut, TextOut
from omnisearch.search.item_list import ItemPage
from omnisearch.search.item_text import TextPage
from omnisearch.search.present.hit_json import hit_json
from omnisearch.stores.base import Payload
from omnisearch.types import Answer, Reading


def search_out(answer: Answer, placeholders: Placeholders) -> SearchOut:
    """Return the model of an answer."""
    return SearchOut(
        hits=[HitOut.model_validate(hit_json(hit) | placeholders.fields(hit.id)) for hit in answer.hits],
        took_ms=dict(answer.took_ms),
        next_cursor=answer.next_cursor,
        nothing_matches=answer.nothing_matches,
        cut=round(answer.cut, 4),
        matching=dict(answer.matching),
    )


def result_out(outcome: Answer | OmnisearchError, placeholders: Placeholders) -> SearchOut | FailedOut:
    """Return the model of the answer or the error of one query of a batch."""
    if isinstance(outcome, OmnisearchError):
        return FailedOut(error=Problem.model_validate(error_document(outcome)))
    return search_out(outcome, placeholders)


def item_out(payloads: tuple[Payload, ...], placeholders: Placeholders) -> ItemOut:
    """Return the model of an item, given all its segments."""
    first = payloads[0]
    segments = [SegmentOut(**vars(payload.segment), snippet=payload.snippet) for payload in payloads]
    # Segments overlap, so two may show the same text.
    readings = dict.fromkeys(reading for payload in payloads for reading in payload.readings)
    ordered = sorted(readings, key=lambda reading: reading.start or 0.0)
    read = [_reading_out(reading) for reading in ordered]
    return ItemOut(**_facts(first, placeholders), segments=segments, readings=read)


def items_out(page: ItemPage, placeholders: Placeholders) -> ItemsOut:
    """Return the model of a page of items."""
    items = [ItemEntry(**_facts(p, placeholders), segments=p.segments, snippet=p.snippet) for p in page.items]
    return ItemsOut(items=items, next_cursor=page.next_cursor)


def text_out(page: TextPage) -> TextOut:
    """Return the model of a page of passages."""
    passages = [PassageOut(**vars(passage), unit="characters") for passage in page.passages]
    return TextOut(passages=passages, total=page.total, next_cursor=page.next_cursor)


def _reading_out(reading: Reading) -> ReadingOut:
    box = reading.box and (reading.box.x, reading.box.y, reading.box.width, reading.box.height)
    return ReadingOut(
        field=reading.field,
        text=reading.text,
        start=reading.start,
        end=reading.end,
        box=box,
        language=reading.language,
    )


def _facts(payload: Payload, placeholders: Placeholders) -> dict[str, Any]:
    return {
        "id": payload.item_id,
        "path": payload.path,
        "modality": payload.modality,
        "mime": payload.mime,
        "duration": payload.duration,
        "size": payload.size,
        "mtime": payload.mtime,
        "added": payload.added,
        "tags": list(payload.tags),
        "meta": dict(payload.meta),
        "metadata": vars(payload.metadata) | {"taken": payload.metadata.taken},
        "notes": list(payload.notes),
        **placeholders.fields(payload.item_id),
    }
