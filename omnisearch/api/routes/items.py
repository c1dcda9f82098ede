"""GET /v1/items, one of them, its text and its content. A file is reached by the id of its item, never by a path."""

import re
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as InPath
from starlette.exceptions import HTTPException

from omnisearch.api.access import needs
from omnisearch.api.answers import item_out, items_out, text_out
from omnisearch.api.etag import not_modified
from omnisearch.api.expressions import ItemId
from omnisearch.api.item_files import ItemFiles
from omnisearch.api.job_table import Jobs
from omnisearch.api.keys import Scope
from omnisearch.api.openapi import refused
from omnisearch.api.opener import is_local, open_folder
from omnisearch.api.placeholders import WithPlaceholders
from omnisearch.api.routes.jobs import accepted
from omnisearch.api.selections import ItemsLink, TextLink
from omnisearch.api.sent_file import BYTES, SentFile, sends
from omnisearch.api.service import Asked, Service
from omnisearch.errors import NotFoundError
from omnisearch.jobs.library import load_library
from omnisearch.paths import find_path
from omnisearch.schema.item import CopiesOut, ItemOut, ItemsOut
from omnisearch.schema.job import JobOut
from omnisearch.schema.text import TextOut
from omnisearch.stores.base import Payload

# Types that a browser shows without running code. All others are downloads.
INLINE = re.compile(r"audio/[\w.+-]+|video/[\w.+-]+|image/(?:jpeg|png|webp|gif|bmp|avif)|text/plain")
MIME = re.compile(r"[\w.+-]+/[\w.+-]+")
MAX_COPIES = 100
SEALED = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


async def _files(request: Request) -> ItemFiles:
    return cast(ItemFiles, request.app.state.files)


router = APIRouter(prefix="/v1/items", tags=["items"], **needs(Scope.SEARCH))
changes = APIRouter(prefix="/v1/items", tags=["items"], **needs(Scope.INDEX))
Id = Annotated[ItemId, InPath()]
Files = Annotated[ItemFiles, Depends(_files)]


@router.get("")
async def page(link: Annotated[ItemsLink, Query()], service: Asked, placeholders: WithPlaceholders) -> ItemsOut:
    """List items in an order that stays the same while nothing is indexed."""
    chosen, order = link.to_selection(), link.to_order()
    found = await service.ask(lambda engine: engine.items(chosen, order, link.limit, link.cursor), "lists")
    return items_out(found, placeholders)


@router.get("/{item_id}")
async def item(item_id: Id, service: Asked, placeholders: WithPlaceholders) -> ItemOut:
    """Return an item, its segments and the texts that were read in it."""
    return item_out(await service.ask(lambda engine: engine.item(item_id)), placeholders)


@router.get("/{item_id}/text")
async def text(item_id: Id, link: Annotated[TextLink, Query()], service: Asked) -> TextOut:
    """Send the passages of a text in order, as they were embedded."""
    return text_out(await service.ask(lambda engine: engine.text(item_id, link.limit, link.cursor), "lists"))


@router.get("/{item_id}/copies")
async def copies(item_id: Id, service: Asked, jobs: Jobs) -> CopiesOut:
    """List the files with the content of an item, which are one item of the index."""
    await first_of(service, item_id)
    paths, total = await jobs.check(lambda _: load_library().copies(service.settings, item_id, MAX_COPIES))
    return CopiesOut(paths=list(paths), total=total)


@sends(router, "/{item_id}/content", {"content": {"*/*": BYTES}})
async def content(item_id: Id, service: Asked, files: Files, request: Request) -> Response:
    """Send the file itself, whole or by Range."""
    known = await first_of(service, item_id)
    etag = f'"{item_id}"'
    if (held := not_modified(request, etag, {})) is not None:
        return held
    file = await service.ask(lambda _: files.open(known), "files")
    mime = known.mime if MIME.fullmatch(known.mime) else "application/octet-stream"
    return SentFile(
        file,
        media_type=mime,
        filename=Path(known.path).name,  # a header cannot hold bytes that are not UTF-8
        content_disposition_type="inline" if INLINE.fullmatch(mime) else "attachment",
        headers={"Content-Security-Policy": SEALED, "ETag": etag},
    )


@changes.delete("/{item_id}", status_code=HTTPStatus.ACCEPTED, responses=refused(507))
async def forget(item_id: Id, service: Asked, jobs: Jobs, response: Response) -> JobOut:
    """Queue a job that removes an item from the index; no file is deleted. `Location` is the URL of the job."""
    await first_of(service, item_id)
    collection = service.settings.collection
    return accepted(response, await jobs.ask(lambda store: store.add("forget", {"item_ids": [item_id]}, collection)))


@changes.post(
    "/{item_id}/reveal",
    status_code=HTTPStatus.NO_CONTENT,
    responses=refused(403, s403="The key lacks the scope, or the request does not come from the server's own machine"),
)
async def reveal(item_id: Id, service: Asked, request: Request) -> None:
    """Show the folder of an item on the server's own machine, for a user who sits there: see `reveal` of the status."""
    known = await first_of(service, item_id)
    if not request.app.state.reveals:
        raise NotFoundError("this server listens to other machines, and shows no folders: open the path yourself")
    if not is_local(request):
        raise HTTPException(HTTPStatus.FORBIDDEN, "folders are shown only to requests of the server's own machine")
    await service.ask(lambda _: open_folder(find_path(known.path)), "files")


async def first_of(service: Service, item_id: str) -> Payload:
    """Return the payload of an item's first segment."""
    return await service.ask(lambda engine: engine.first(item_id))
