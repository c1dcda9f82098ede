"""Probes: /livez answers while the process runs, /readyz while it can search."""

from typing import cast

from fastapi import APIRouter, Request

from omnisearch.api.collections import Collections
from omnisearch.api.openapi import refused
from omnisearch.schema.status import HealthOut, ReadyOut

router = APIRouter(tags=["health"])


@router.head("/livez", include_in_schema=False)
@router.get("/livez")
async def livez() -> HealthOut:
    """Answer while the process runs."""
    return HealthOut(status="alive")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses=refused(409))
async def readyz(request: Request) -> ReadyOut:
    """Answer 200 while an opened collection can be searched; else the problem of the default collection."""
    collections = cast(Collections, request.app.state.collections)
    problems = collections.problems()
    if all(problems.values()):
        collections.default.ready()
    # Only callers with a key may see names of collections; a probe sends no key.
    caller = getattr(request.state, "caller", None)
    shown = {name: "ready" if problem is None else problem.code for name, problem in problems.items()}
    return ReadyOut(status="ready", collections={} if caller is None else shown)
