"""Jobs: queue, list, watch, cancel and retry long tasks, which a worker runs."""

import os
import re
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi import Path as InPath
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import StringConstraints

from omnisearch.api.access import needs
from omnisearch.api.idempotency import REPEATED, Creating
from omnisearch.api.job_bodies import EnrichIn, ForgetIn, IndexIn, JobIn, MapIn
from omnisearch.api.job_table import Jobs, JobTable, Named
from omnisearch.api.kept_uploads import KeptUploads, Uploads
from omnisearch.api.keys import Scope
from omnisearch.api.openapi import refused
from omnisearch.api.request_body import json_body, read_json
from omnisearch.api.selections import CursorText
from omnisearch.config import Settings
from omnisearch.cursors import pack, unpack
from omnisearch.jobs.job import Job, State
from omnisearch.jobs.kinds import load_error_reader
from omnisearch.jobs.roots import check_roots
from omnisearch.schema.job import FileErrorOut, JobErrorsOut, JobOut, JobsOut

MAX_PAGE = 1000
JOB_ID = "[0-9a-f]{16}"
LIST = "jobs"  # the name of the list of jobs in its cursors
MAX_VERSION = 2**53

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], **needs(Scope.INDEX))
Id = Annotated[str, StringConstraints(pattern=f"^{JOB_ID}$"), InPath(description="The id of a job.")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Cursor = Annotated[CursorText, Query(description="`next_cursor` of the previous page.")]


@router.post(
    "", status_code=HTTPStatus.ACCEPTED, openapi_extra=json_body(JobIn), responses=refused(409, 507, s409=REPEATED)
)
async def add(
    request: Request, response: Response, jobs: Jobs, uploads: Uploads, collection: Named, creating: Creating
) -> JobOut:
    """Queue a job; `Location` is its URL."""
    sent = (await read_json(request, JobIn)).root

    async def queue() -> JobOut:
        params = await _params(sent, jobs, uploads)
        return accepted(response, await jobs.ask(lambda store: store.add(sent.kind, params, collection)))

    return await creating.once(sent.model_dump(), JobOut, queue)


async def _params(sent: IndexIn | EnrichIn | ForgetIn | MapIn, jobs: JobTable, uploads: KeptUploads) -> dict[str, Any]:
    if isinstance(sent, ForgetIn):
        return {"item_ids": sent.item_ids}
    if isinstance(sent, EnrichIn):
        return {"read": sent.read}
    if isinstance(sent, MapIn):
        return {}
    paths = await jobs.check(lambda settings: check_roots(sent.paths, settings))
    if sent.uploads:
        paths += await uploads.ask(lambda store: store.link_for_good(sent.uploads))
    return {"paths": paths, "retry_failed": sent.retry_failed, "prune": sent.prune}


@router.get("")
async def page(
    jobs: Jobs,
    state: Annotated[list[State], Query(description="Only jobs in these states; repeatable.")] = [],  # noqa: B006
    kind: Annotated[str | None, Query(max_length=64, description="Only jobs of this kind.")] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> JobsOut:
    """List jobs, the newest first."""
    before = unpack(cursor, LIST, _job_id) if cursor else None
    found = await jobs.ask(lambda store: store.page(state or tuple(State), kind, None, before, limit + 1))
    more = len(found) > limit
    return JobsOut(
        jobs=[job_out(job) for job in found[:limit]], next_cursor=pack(LIST, found[limit - 1].id) if more else None
    )


async def _known(job_id: Id, jobs: Jobs) -> Job:
    return await jobs.ask(lambda store: store.get(job_id))


Known = Annotated[Job, Depends(_known)]


@router.get("/{job_id}")
async def show(job: Known) -> JobOut:
    """Return a job and its progress."""
    return job_out(job)


async def _watching(jobs: Jobs) -> AsyncIterator[JobTable]:
    with jobs.place_for_watcher():  # until the last event is sent
        yield jobs


@router.get("/{job_id}/events", response_class=EventSourceResponse)
async def events(
    job: Known,
    jobs: Annotated[JobTable, Depends(_watching)],
    last_event_id: Annotated[int, Header(ge=0, le=MAX_VERSION, description="The id of the last event seen.")] = 0,
) -> AsyncIterator[ServerSentEvent]:
    """Send the job as an event whenever it changes, until it has ended: `progress` events, and a last event `end`.

    The id of an event is the version of the job. With `Last-Event-ID` only newer versions are sent.
    """
    async for seen in jobs.changes(job, last_event_id):
        name = "end" if seen.state.ended else "progress"
        yield ServerSentEvent(data=job_out(seen), event=name, id=str(seen.version))


@router.post("/{job_id}/cancel", responses=refused(409, 507, s409="The job is done or failed"))
async def cancel(job_id: Id, jobs: Jobs) -> JobOut:
    """Cancel a job. A running job stops after its batch; its results so far stay."""
    return job_out(await jobs.ask(lambda store: store.cancel(job_id)))


@router.post(
    "/{job_id}/retry", status_code=HTTPStatus.ACCEPTED, responses=refused(409, 507, s409="The job has not ended")
)
async def retry(job_id: Id, jobs: Jobs, response: Response) -> JobOut:
    """Queue an ended job again. An index job then also reads the files that failed."""
    return accepted(response, await jobs.ask(lambda store: store.retry(job_id)))


@router.get("/{job_id}/errors")
async def errors(job: Known, jobs: Jobs, limit: Limit = 100, cursor: Cursor = "") -> JobErrorsOut:
    """List the files below the paths of a job that could not be indexed, from the present state of the index."""
    after, whose = "", f"errors of {job.id}"
    if cursor:
        after = unpack(cursor, whose, file_path)
    read = load_error_reader(job.kind)

    def list_errors(settings: Settings) -> list[Mapping[str, Any]]:
        return list(read(job, settings.model_copy(update={"collection": job.collection}), after, limit + 1))

    rows = await jobs.check(list_errors)
    more = len(rows) > limit
    shown = [FileErrorOut.model_validate(row) for row in rows[:limit]]
    return JobErrorsOut(errors=shown, next_cursor=pack(whose, rows[limit - 1]["cursor"]) if more else None)


def _job_id(text: str) -> str:
    if not re.fullmatch(JOB_ID, text):
        raise ValueError("not the id of a job")
    return text


def file_path(text: str) -> str:
    """Check the path in a cursor."""
    os.fsencode(text)  # raises UnicodeEncodeError if the text is not a path
    return text


def job_out(job: Job) -> JobOut:
    """Return the model of a job."""
    return JobOut.model_validate(job.fields())


def accepted(response: Response, job: Job) -> JobOut:
    """Return the model of a queued job, and set `Location` to its URL."""
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job_out(job)
