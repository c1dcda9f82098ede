"""POST /v1/locate: find where in one file a query matches. The file is an item, or a part of the request."""

from collections.abc import Mapping

from fastapi import APIRouter, Request

from omnisearch.api.access import needs
from omnisearch.api.disconnect import disconnected
from omnisearch.api.expressions import Upload
from omnisearch.api.keys import Scope
from omnisearch.api.openapi import refused
from omnisearch.api.request_body import asked, described
from omnisearch.api.schemas import LocateIn
from omnisearch.api.service import Asked, Service
from omnisearch.schema.locate import LocateOut, PlaceOut
from omnisearch.search.locate.location_json import location_json
from omnisearch.search.plan.budget import Budget

router = APIRouter(prefix="/v1", tags=["search"], **needs(Scope.SEARCH))


@router.post("/locate", responses=refused(404), response_model_exclude_unset=True, openapi_extra=described(LocateIn))
async def locate(request: Request, service: Asked) -> LocateOut:
    """Find the times or regions of one file that match a query."""
    service.ready()  # before the files are read
    async with asked(request, LocateIn) as (sent, uploads), disconnected(request) as gone:
        query, source = sent.to_query(uploads), sent.source(uploads)
        name = await _name(service, sent, uploads)
        budget = Budget(gone.is_set, service.settings.query_seconds)
        found = await service.ask(lambda engine: engine.locate(query, source, sent.limit, budget), "locate")
    return LocateOut(
        modality=found.modality,
        windows=found.windows,
        nothing_matches=found.nothing_matches,
        places=[
            PlaceOut.model_validate(location_json(location, name))
            for location in found.places
            if location.relevance >= sent.min_relevance
        ],
    )


async def _name(service: Service, sent: LocateIn, uploads: Mapping[str, Upload]) -> str:
    """Return the name of the file: the path of an item, or the name that the user sent."""
    if sent.item_id is None:
        return sent.label or uploads[sent.file or str(sent.upload_id)].label
    item_id = sent.item_id
    return (await service.ask(lambda engine: engine.first(item_id))).path
