"""POST /v1/search: a query as JSON, or as multipart with the files that its terms name."""

from fastapi import APIRouter, Request

from omnisearch.api.bodies import asked, described
from omnisearch.api.schemas import SearchIn, SearchOut
from omnisearch.api.service import Asked
from omnisearch.search.hit_json import hit_json

router = APIRouter(prefix="/v1", tags=["search"])


@router.post("/search", openapi_extra=described(SearchIn))
async def search(request: Request, service: Asked) -> SearchOut:
    """Find anything by anything."""
    service.ready()  # before the files are read
    async with asked(request, SearchIn) as (sent, uploads):
        query = sent.to_query(uploads)
        answer = await service.ask(lambda engine: engine.search(query))
    return SearchOut(
        hits=[hit_json(hit) for hit in answer.hits],
        took_ms=dict(answer.took_ms),
        next_cursor=answer.next_cursor,
        nothing_matches=answer.nothing_matches,
    )
