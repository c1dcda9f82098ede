"""GET /v1/status."""

from fastapi import APIRouter

from omnisearch import __version__
from omnisearch.api.access import needs
from omnisearch.api.keys import Scope
from omnisearch.api.service import Asked, SearchEngine
from omnisearch.schema.status import StatusOut

router = APIRouter(prefix="/v1", tags=["status"], **needs(Scope.SEARCH))


@router.get("/status")
async def status(service: Asked) -> StatusOut:
    """Say what is indexed and by which model."""

    def status_of(engine: SearchEngine) -> StatusOut:
        model = engine.model
        return StatusOut(
            version=__version__,
            collection=service.settings.collection,
            model=model.name,
            dim=model.dim,
            segments=engine.counts(),
        )

    return await service.ask(status_of)
