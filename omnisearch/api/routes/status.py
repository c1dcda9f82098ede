"""GET /v1/status."""

from fastapi import APIRouter

from omnisearch import __version__
from omnisearch.api.access import needs
from omnisearch.api.expressions import MAX_TERMS
from omnisearch.api.keys import Scope
from omnisearch.api.safe_strings import MAX_TEXT
from omnisearch.api.schemas import MAX_HITS
from omnisearch.api.service import Asked, SearchEngine
from omnisearch.schema.status import LimitsOut, StatusOut

router = APIRouter(prefix="/v1", tags=["status"], **needs(Scope.SEARCH))


@router.get("/status")
async def status(service: Asked) -> StatusOut:
    """Return the indexed segments, the model, and the limits of queries."""

    def status_of(engine: SearchEngine) -> StatusOut:
        model = engine.model
        return StatusOut(
            version=__version__,
            collection=service.settings.collection,
            model=model.name,
            dim=model.dim,
            segments=engine.counts(),
            limits=LimitsOut(terms=MAX_TERMS, text=MAX_TEXT, hits=MAX_HITS),
        )

    return await service.ask(status_of)
