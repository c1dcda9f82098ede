"""What the engine returns, as the models of the API's answers."""

from omnisearch.api.errors import error_document
from omnisearch.errors import OmnisearchError
from omnisearch.schema.hit import HitOut
from omnisearch.schema.item import ItemOut
from omnisearch.schema.problem import Problem
from omnisearch.schema.search import FailedOut, SearchOut
from omnisearch.schema.segment import SegmentOut
from omnisearch.search.hit_json import hit_json
from omnisearch.stores.base import Payload
from omnisearch.types import Answer


def search_out(answer: Answer) -> SearchOut:
    """Show an answer to a query."""
    return SearchOut(
        hits=[HitOut.model_validate(hit_json(hit)) for hit in answer.hits],
        took_ms=dict(answer.took_ms),
        next_cursor=answer.next_cursor,
        nothing_matches=answer.nothing_matches,
    )


def result_out(outcome: Answer | OmnisearchError) -> SearchOut | FailedOut:
    """Show what became of one query of a batch."""
    if isinstance(outcome, OmnisearchError):
        return FailedOut(error=Problem.model_validate(error_document(outcome)))
    return search_out(outcome)


def item_out(payloads: tuple[Payload, ...]) -> ItemOut:
    """Gather the segments of one item."""
    first = payloads[0]
    segments = [
        SegmentOut(
            index=p.segment.index, start=p.segment.start, end=p.segment.end, unit=p.segment.unit, snippet=p.snippet
        )
        for p in payloads
    ]
    return ItemOut(
        id=first.item_id,
        path=first.path,
        modality=first.modality,
        mime=first.mime,
        duration=first.duration,
        size=first.size,
        mtime=first.mtime,
        tags=list(first.tags),
        meta=dict(first.meta),
        notes=list(first.notes),
        segments=segments,
    )
