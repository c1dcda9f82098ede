"""GET /metrics, for Prometheus."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import cast

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from omnisearch.api.access import needs
from omnisearch.api.collections import Collections
from omnisearch.api.keys import Scope
from omnisearch.api.metrics import Metrics
from omnisearch.api.service import Service
from omnisearch.errors import OmnisearchError
from omnisearch.types import Modality

COUNT_SECONDS = 1.0  # a scrape waits no longer for a busy index
router = APIRouter(tags=["health"], **needs(Scope.METRICS))


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Return requests, latencies, queues and rejections in the format of Prometheus."""
    collections = cast(Collections, request.app.state.collections)
    measured = cast(Metrics, request.app.state.metrics)
    opened = collections.opened()
    counts = await asyncio.gather(*map(_segments, opened))
    segments = {service.settings.collection: count for service, count in zip(opened, counts, strict=True)}
    text = measured.render(collections.queues(), segments)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


async def _segments(service: Service) -> Mapping[Modality, int]:
    """Return the number of indexed segments by modality; empty if there is no index or it does not answer."""
    with suppress(OmnisearchError, TimeoutError):
        async with asyncio.timeout(COUNT_SECONDS):
            return await service.ask(lambda engine: engine.counts(), "files")
    return {}
