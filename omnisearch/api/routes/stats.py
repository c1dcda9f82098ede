"""Counts of an index: GET /v1/stats and GET /v1/facets."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query

from omnisearch.api.access import needs
from omnisearch.api.keys import Scope
from omnisearch.api.selections import FacetsLink
from omnisearch.api.service import Asked, SearchEngine
from omnisearch.schema.stats import FacetEntry, FacetOut, FacetsOut, StatsOut
from omnisearch.search.item_list import Selection

router = APIRouter(prefix="/v1", tags=["status"], **needs(Scope.SEARCH))


@router.get("/stats")
async def stats(service: Asked) -> StatsOut:
    """Return the counts, size and dates of the items of an index, and its model."""

    def count(engine: SearchEngine) -> StatsOut:
        totals, counted = engine.totals(), engine.count_items(Selection())
        return StatsOut(
            collection=service.settings.collection,
            model=engine.model.name,
            dim=engine.model.dim,
            items=dict(totals.items),
            segments=dict(totals.segments),
            oldest=totals.oldest,
            newest=totals.newest,
            size=counted.size,
            partly_read=counted.partly_read,
            exact=counted.exact,
        )

    return await service.ask(count, "lists")


@router.get("/facets")
async def facets(link: Annotated[FacetsLink, Query()], service: Asked) -> FacetsOut:
    """Count the items of a selection by modality, type, year, place, camera, language and folder."""
    found = await service.ask(lambda engine: engine.count_items(link.to_selection()), "lists")
    shown = {name: _facet(counts, link.limit) for name, counts in found.facets.items()}
    return FacetsOut.model_validate({"items": found.items, "exact": found.exact, **shown})


def _facet(counts: Mapping[str, int], limit: int) -> FacetOut:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    values = [FacetEntry(value=value, count=count) for value, count in ordered[:limit]]
    return FacetOut(values=values, others=len(ordered) - len(values))
