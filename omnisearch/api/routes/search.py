"""Search: one query as JSON or as multipart with its files, one in a link, or many together."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi import Query as Parameters

from omnisearch.api.access import needs
from omnisearch.api.answers import result_out, search_out
from omnisearch.api.disconnect import disconnected
from omnisearch.api.expressions import ItemId
from omnisearch.api.keys import Scope
from omnisearch.api.openapi import refused
from omnisearch.api.placeholders import WithPlaceholders
from omnisearch.api.request_body import asked, described
from omnisearch.api.schemas import NeighboursLink, SearchBatchIn, SearchIn, SearchLink, SuggestionsLink
from omnisearch.api.service import Asked, Kind, Service
from omnisearch.query.query import Query
from omnisearch.schema.search import SearchBatchOut, SearchOut
from omnisearch.schema.suggestion import SuggestionOut, SuggestionsOut
from omnisearch.search.plan.budget import Budget
from omnisearch.types import Answer

router = APIRouter(prefix="/v1", tags=["search"], **needs(Scope.SEARCH))


@router.post("/search", responses=refused(404), response_model_exclude_unset=True, openapi_extra=described(SearchIn))
async def search(request: Request, service: Asked, placeholders: WithPlaceholders) -> SearchOut:
    """Search by text and media of any kind, in all modalities."""
    service.ready()  # before the files are read
    async with asked(request, SearchIn) as (sent, uploads):
        return search_out(await _answer(request, service, sent.to_query(uploads)), placeholders)


@router.get("/search", responses=refused(404), response_model_exclude_unset=True)
async def search_link(
    link: Annotated[SearchLink, Parameters()], request: Request, service: Asked, placeholders: WithPlaceholders
) -> SearchOut:
    """Search by words and items, with a link that can be shared."""
    return search_out(await _answer(request, service, link.to_query()), placeholders)


@router.get("/items/{item_id}/neighbours", response_model_exclude_unset=True)
async def neighbours(
    item_id: Annotated[ItemId, InPath()],
    link: Annotated[NeighboursLink, Parameters()],
    request: Request,
    service: Asked,
    placeholders: WithPlaceholders,
) -> SearchOut:
    """Find the items of each modality that are most similar to an item, or to one segment of it."""
    return search_out(await _answer(request, service, link.to_query(item_id)), placeholders)


@router.post("/search/batch", response_model_exclude_unset=True, openapi_extra=described(SearchBatchIn))
async def search_batch(request: Request, service: Asked, placeholders: WithPlaceholders) -> SearchBatchOut:
    """Answer many queries together, in their order. A query that fails gets its error."""
    service.ready()  # before the files are read
    async with asked(request, SearchBatchIn) as (sent, uploads), disconnected(request) as gone:
        queries = [query.to_query(uploads) for query in sent.queries]
        budget = Budget(gone.is_set, service.settings.query_seconds)
        kind: Kind = "media" if any(map(_reads_file, queries)) else "batch"
        seconds = service.settings.query_timeout
        outcomes = await service.ask(lambda engine: engine.search_each(queries, budget), kind, seconds)
    return SearchBatchOut(results=[result_out(outcome, placeholders) for outcome in outcomes])


@router.get("/suggestions")
async def suggestions(link: Annotated[SuggestionsLink, Parameters()], service: Asked) -> SuggestionsOut:
    """Suggest names, labels and other texts of items that have the letters typed so far."""
    found = await service.ask(lambda engine: engine.suggest(link.q, link.limit), "lists")
    return SuggestionsOut(suggestions=[SuggestionOut(**asdict(one)) for one in found.found], exact=found.exact)


async def _answer(request: Request, service: Service, query: Query) -> Answer:
    async with disconnected(request) as gone:
        budget = Budget(gone.is_set, service.settings.query_seconds)
        kind: Kind = "media" if _reads_file(query) else "search"
        return await service.ask(lambda engine: engine.search(query, budget), kind, service.settings.query_timeout)


def _reads_file(query: Query) -> bool:
    return any(term.reads_file for term in query.terms)
