"""POST /v1/search: a query as JSON, or as multipart with the files that its terms name."""

import asyncio

from fastapi import APIRouter, Request

from omnisearch.api.access import needs
from omnisearch.api.bodies import asked, described
from omnisearch.api.disconnect import disconnected
from omnisearch.api.keys import Scope
from omnisearch.api.schemas import SearchIn, SearchOut
from omnisearch.api.service import Asked, Kind
from omnisearch.errors import BusyError
from omnisearch.search.budget import Budget
from omnisearch.search.hit_json import hit_json

router = APIRouter(prefix="/v1", tags=["search"], **needs(Scope.SEARCH))


@router.post("/search", openapi_extra=described(SearchIn))
async def search(request: Request, service: Asked) -> SearchOut:
    """Find anything by anything."""
    service.ready()  # before the files are read
    async with asked(request, SearchIn) as (sent, uploads), disconnected(request) as gone:
        query, budget = sent.to_query(uploads), Budget(gone.is_set, service.settings.query_seconds)
        kind: Kind = "media" if any(term.reads_file for term in query.terms) else "search"
        try:
            async with asyncio.timeout(service.settings.query_timeout):
                answer = await service.ask(lambda engine: engine.search(query, budget), kind)
        except TimeoutError:
            raise BusyError(
                f"the search was stopped after {service.settings.query_timeout:g} seconds: send shorter files or "
                "slices of them, or try again when the server has less to do"
            ) from None
    return SearchOut(
        hits=[hit_json(hit) for hit in answer.hits],
        took_ms=dict(answer.took_ms),
        next_cursor=answer.next_cursor,
        nothing_matches=answer.nothing_matches,
    )
