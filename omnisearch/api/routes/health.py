"""Probes: /livez says that the process runs, /readyz that it can answer a search."""

from typing import cast

from fastapi import APIRouter, Request

from omnisearch.api.collections import Collections
from omnisearch.api.openapi import refused
from omnisearch.schema.status import HealthOut

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez() -> HealthOut:
    """Answer while the process runs."""
    return HealthOut(status="alive")


@router.get("/readyz", responses=refused(409))
async def readyz(request: Request) -> HealthOut:
    """Answer 200 once the default collection can be searched; else a problem that says what is missing."""
    cast(Collections, request.app.state.collections).default.ready()
    return HealthOut(status="ready")
