"""GET /v1/map. A job makes the map."""

from dataclasses import asdict

from fastapi import APIRouter, Request, Response

from omnisearch.api.access import needs
from omnisearch.api.etag import not_modified
from omnisearch.api.keys import Scope
from omnisearch.api.openapi import refused
from omnisearch.api.service import Asked, SearchEngine
from omnisearch.schema.map import MapOut
from omnisearch.search.map import Map, read_map
from omnisearch.search.map_area import no_map

FRESH = {"Cache-Control": "private, no-cache"}  # clients keep it, and compare its ETag each time

router = APIRouter(prefix="/v1", tags=["status"], **needs(Scope.SEARCH))


@router.get(
    "/map",
    responses={
        304: {"description": "The client has this map, by `If-None-Match`"},
        **refused(404, s404="No map was made yet, or the collection does not exist"),
    },
    response_model=MapOut,
)
async def show(request: Request, response: Response, service: Asked) -> MapOut | Response:
    """Return the positions of items on a plane, where similar items of a modality are near each other."""

    def read(engine: SearchEngine) -> tuple[Map, bool]:
        kept = read_map(service.settings.index_dir)
        if kept is None:
            raise no_map(service.settings.collection)
        return kept, engine.outdates(kept)

    kept, stale = await service.ask(read, "lists")
    etag = f'"{kept.digest}{".stale" if stale else ""}"'
    if (held := not_modified(request, etag, FRESH)) is not None:
        return held
    response.headers.update({"ETag": etag, **FRESH})
    points = [asdict(point) for point in kept.points]
    return MapOut.model_validate({"items": kept.items, "made": kept.made, "stale": stale, "points": points})
