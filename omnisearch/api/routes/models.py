"""Models by name: description, memory plan, download and check."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as InPath
from pydantic import StringConstraints

from omnisearch.api.access import needs
from omnisearch.api.collections import Served
from omnisearch.api.idempotency import REPEATED, Creating
from omnisearch.api.job_table import Jobs
from omnisearch.api.keys import Scope
from omnisearch.api.openapi import refused
from omnisearch.api.routes.jobs import accepted
from omnisearch.schema.job import JobOut
from omnisearch.schema.model import ModelCheckOut, ModelDetailOut, ModelPlanOut

router = APIRouter(prefix="/v1/models", tags=["models"], **needs(Scope.SEARCH))
checks = APIRouter(prefix="/v1/models", tags=["models"], **needs(Scope.ADMIN))
Name = Annotated[
    str, StringConstraints(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"), InPath(description="The name of a model.")
]


@router.get("/{name}")
async def show(name: Name, collections: Served) -> ModelDetailOut:
    """Return the spaces and weight files of a model, and whether it is ready."""
    from omnisearch.api.model_answers import model_out

    return await collections.work(lambda settings: model_out(name, settings), "models")


@router.get("/{name}/plan")
async def plan(name: Name, collections: Served) -> ModelPlanOut:
    """Return the towers that a model loads on the server's machine, and their memory. Needs no weights."""
    from omnisearch.api.model_answers import plan_out

    return await collections.work(lambda settings: plan_out(name, settings), "models")


@checks.post("/{name}/pull", status_code=HTTPStatus.ACCEPTED, responses=refused(409, 507, s409=REPEATED))
async def pull(name: Name, collections: Served, jobs: Jobs, response: Response, creating: Creating) -> JobOut:
    """Queue a job that fetches the weight files of a model, and checks them; `Location` is its URL.

    Models that read text or speech, such as `speech-en`, are fetched too.
    """
    from omnisearch.api.model_answers import check_pullable

    async def queue() -> JobOut:
        await collections.work(lambda settings: check_pullable(name, settings), "models")
        return accepted(response, await jobs.ask(lambda store: store.add("pull", {"model": name})))

    return await creating.once(None, JobOut, queue)


@checks.post("/{name}/check")
async def check(name: Name, collections: Served) -> ModelCheckOut:
    """Hash the weight files of a model and compare them with the declared hashes. This reads gigabytes."""
    from omnisearch.api.model_answers import check_out

    return await collections.work(lambda settings: check_out(name, settings), "models")
