"""Embeddings in the shapes of OpenAI's API, so that its clients work: POST /v1/embeddings and GET /v1/models."""

import asyncio
import base64
import tempfile
from pathlib import Path
from typing import Literal

import numpy as np
from fastapi import APIRouter, Request

from omnisearch.api.access import needs
from omnisearch.api.disconnect import disconnected
from omnisearch.api.inputs import EmbeddingsIn
from omnisearch.api.keys import Scope
from omnisearch.api.openapi import refused
from omnisearch.api.request_body import asked, described, disk_full_refused
from omnisearch.api.service import Asked, BoundModel
from omnisearch.errors import NotFoundError, QueryError
from omnisearch.schema.embeddings import EmbeddingOut, EmbeddingsOut, ModelOut, ModelsOut
from omnisearch.search.plan.budget import Budget
from omnisearch.types import Floats

router = APIRouter(prefix="/v1", tags=["embeddings"], **needs(Scope.SEARCH))


@router.post("/embeddings", responses=refused(404), openapi_extra=described(EmbeddingsIn))
async def embeddings(request: Request, service: Asked) -> EmbeddingsOut:
    """Embed texts and media with the model of the index."""
    service.ready()  # before the files are read
    async with asked(request, EmbeddingsIn) as (sent, uploads), disconnected(request) as gone:
        model = service.ready().model
        _check(sent, model)
        with tempfile.TemporaryDirectory(prefix="omnisearch-") as folder:
            with disk_full_refused():
                terms = await asyncio.to_thread(sent.terms, uploads, Path(folder))
            budget = Budget(gone.is_set, service.settings.query_seconds)
            kind: Literal["media", "batch"] = "media" if sent.reads_files else "batch"
            seconds = service.settings.query_timeout
            vectors = await service.ask(lambda engine: engine.embed(terms, budget, sent.input_type), kind, seconds)
    shown = _base64 if sent.encoding_format == "base64" else _numbers
    data = [EmbeddingOut(index=n, embedding=shown(vector)) for n, vector in enumerate(vectors)]
    return EmbeddingsOut(data=data, model=model.name)


@router.get("/models")
async def models(service: Asked) -> ModelsOut:
    """List the model that is served."""
    model = service.ready().model
    return ModelsOut(data=[ModelOut(id=model.name, dimensions=model.dim, modalities=list(model.modalities))])


def _check(sent: EmbeddingsIn, model: BoundModel) -> None:
    if sent.model != model.name:
        raise NotFoundError(f"no model {sent.model!r} is served here: send {model.name!r} as `model`")
    if sent.dimensions not in (None, model.dim):
        raise QueryError(
            f"`dimensions` is {sent.dimensions}, and the vectors of {model.name} have {model.dim} here: leave "
            f"`dimensions` out, or send {model.dim}"
        )


def _numbers(vector: Floats) -> list[float]:
    numbers: list[float] = vector.tolist()
    return numbers


def _base64(vector: Floats) -> str:
    return base64.b64encode(np.asarray(vector, "<f4").tobytes()).decode()
