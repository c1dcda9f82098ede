"""GET /v1/status."""

from fastapi import APIRouter, Request

from omnisearch import __version__
from omnisearch.api.access import needs
from omnisearch.api.expressions import MAX_TERMS
from omnisearch.api.keys import Scope
from omnisearch.api.opener import has_opener, is_local
from omnisearch.api.safe_strings import MAX_TEXT
from omnisearch.api.schemas import MAX_HITS
from omnisearch.api.service import Asked, SearchEngine
from omnisearch.config import Settings
from omnisearch.schema.status import LimitsOut, ReadersOut, StatusOut

router = APIRouter(prefix="/v1", tags=["status"], **needs(Scope.SEARCH))


@router.get("/status")
async def status(request: Request, service: Asked) -> StatusOut:
    """Return the indexed segments, the model, the limits of queries, and what this server can do."""
    reveal = request.app.state.reveals and is_local(request) and has_opener()
    settings, max_body = service.settings, request.app.state.max_body_bytes

    def status_of(engine: SearchEngine) -> StatusOut:
        from omnisearch.binding.model_facts import known_models
        from omnisearch.spaces.weights.ocr_models import OCR_MODELS
        from omnisearch.spaces.weights.speech_models import SPEECH_MODELS

        return StatusOut(
            version=__version__,
            collection=settings.collection,
            model=engine.model.name,
            dim=engine.model.dim,
            segments=engine.counts(),
            limits=LimitsOut(
                terms=MAX_TERMS,
                text=MAX_TEXT,
                hits=MAX_HITS,
                body=max_body,
                seconds=settings.query_seconds,
                upload_seconds=settings.upload_seconds,
            ),
            reading=_reading(settings),
            models=[*known_models(settings), *SPEECH_MODELS, *OCR_MODELS],
            reveal=reveal,
            fetch_urls=settings.fetch_urls,
        )

    return await service.ask(status_of, "lists")


def _reading(settings: Settings) -> ReadersOut:
    from omnisearch.reading.installed import reading_problem

    problem = reading_problem(settings)
    speech = problem is None and settings.speech_model != "none"
    return ReadersOut(ready=problem is None, speech=speech, way_out=problem, level=settings.read)
