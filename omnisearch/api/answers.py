"""Convert results of the engine to the models of the API's answers."""

from typing import Any

from omnisearch.api.errors import error_document
from omnisearch.errors import OmnisearchError
from omnisearch.schema.hit import HitOut
from omnisearch.schema.item import ItemEntry, ItemOut, ItemsOut
from omnisearch.schema.problem import Problem
from omnisearch.schema.search import FailedOut, SearchOut
from omnisearch.schema.segment import SegmentOut
from omnisearch.schema.text import PassageOut, TextOut
from omnisearch.search.item_list import ItemPage
from omnisearch.search.item_text import TextPage
from omnisearch.search.present.hit_json import hit_json
from omnisearch.stores.base import Payload
from omnisearch.types import Answer


def search_out(answer: Answer) -> SearchOut:
    """Return the model of an answer."""
    return SearchOut(
        hits=[HitOut.model_validate(hit_json(hit)) for hit in answer.hits],
        took_ms=dict(answer.took_ms),
        next_cursor=answer.next_cursor,
        nothing_matches=answer.nothing_matches,
    )


def result_out(outcome: Answer | OmnisearchError) -> SearchOut | FailedOut:
    """Return the model of the answer or the error of one query of a batch."""
    if isinstance(outcome, OmnisearchError):
        return FailedOut(error=Problem.model_validate(error_document(outcome)))
    return search_out(outcome)


def item_out(payloads: tuple[Payload, ...]) -> ItemOut:
    """Return the model of an item, given all its segments."""
    first = payloads[0]
    segments = [
        SegmentOut(
            index=p.segment.index, start=p.segment.start, end=p.segment.end, unit=p.segment.unit, snippet=p.snippet
        )
        for p in payloads
    ]
    return ItemOut(**_facts(first), segments=segments)


def items_out(page: ItemPage) -> ItemsOut:
    """Return the model of a page of items."""
    items = [ItemEntry(**_facts(p), segments=p.segments, snippet=p.snippet) for p in page.items]
    return ItemsOut(items=items, next_cursor=page.next_cursor)


def text_out(page: TextPage) -> TextOut:
    """Return the model of a page of passages."""
    passages = [PassageOut(**vars(passage), unit="characters") for passage in page.passages]
    return TextOut(passages=passages, total=page.total, next_cursor=page.next_cursor)


def _facts(payload: Payload) -> dict[str, Any]:
    return {
        "id": payload.item_id,
        "path": payload.path,
        "modality": payload.modality,
        "mime": payload.mime,
        "duration": payload.duration,
        "size": payload.size,
        "mtime": payload.mtime,
        "tags": list(payload.tags),
        "meta": dict(payload.meta),
        "notes": list(payload.notes),
    }
