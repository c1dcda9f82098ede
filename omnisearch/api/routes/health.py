"""Probes: /livez says that the process runs, /readyz that it can answer a search."""

from fastapi import APIRouter

from omnisearch.api.service import Asked
from omnisearch.schema.status import HealthOut

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez() -> HealthOut:
    """Answer while the process runs."""
    return HealthOut(status="alive")


@router.get("/readyz")
async def readyz(service: Asked) -> HealthOut:
    """Answer 200 once a search would be answered; else a problem that says what is missing."""
    service.ready()
    return HealthOut(status="ready")
