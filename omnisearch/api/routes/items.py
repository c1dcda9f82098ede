"""GET /v1/items/{id}, its content and its preview. A file is reached by the id of its item, never by a path."""

import os
import re
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

from fastapi import APIRouter, Depends, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Send
from starlette.types import Scope as Connection

from omnisearch.api.access import needs
from omnisearch.api.answers import item_out
from omnisearch.api.errors import problem
from omnisearch.api.expressions import ItemId
from omnisearch.api.item_files import ItemFiles
from omnisearch.api.keys import Scope
from omnisearch.api.openapi import refused
from omnisearch.api.previews import Previews
from omnisearch.api.service import Asked, Engine, Service
from omnisearch.paths import find_path
from omnisearch.schema.item import ItemOut
from omnisearch.stores.base import Payload

# What a browser shows without running anything. All else is a download.
INLINE = re.compile(r"audio/[\w.+-]+|video/[\w.+-]+|image/(?:jpeg|png|webp|gif|bmp|avif)|text/plain")
# In OpenAPI: the bytes of a file of any type.
FILE: dict[str, Any] = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
MIME = re.compile(r"[\w.+-]+/[\w.+-]+")
SEALED = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


class SentFile(FileResponse):
    """Sends an open file and closes it. Refusals of a Range are problem documents too: Starlette's are plain text."""

    def __init__(self, file: BinaryIO, **more: Any) -> None:
        # Starlette opens a path. This path is the open file, even if the file was moved or replaced since.
        super().__init__(f"/dev/fd/{file.fileno()}", stat_result=os.fstat(file.fileno()), **more)
        self._file = file

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Send the file, the parts asked for, or why not."""
        refused = False

        async def send_or_refuse(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] >= HTTPStatus.BAD_REQUEST:
                refused = True
                answer = problem(message["status"], "no part of the file is what the Range header asks for")
                size = Headers(raw=message["headers"]).get("content-range")
                answer.headers.update({"Content-Range": size} if size else {})
                await answer(scope, receive, send)
            elif not refused:
                await send(message)

        with self._file:
            await super().__call__(scope, receive, send_or_refuse)


async def _files(request: Request) -> ItemFiles:
    return cast(ItemFiles, request.app.state.files)


async def _previews(request: Request) -> Previews:
    return cast(Previews, request.app.state.previews)


router = APIRouter(prefix="/v1/items", tags=["items"], **needs(Scope.SEARCH))
Id = Annotated[ItemId, InPath()]
Files = Annotated[ItemFiles, Depends(_files)]


@router.get("/{item_id}")
async def item(item_id: Id, service: Asked) -> ItemOut:
    """Say what is known of an item and of its segments."""
    return item_out(await service.ask(lambda engine: engine.item(item_id)))


@router.get(
    "/{item_id}/content",
    response_class=FileResponse,
    responses={200: FILE, 206: {"description": "The parts that Range asks for", **FILE}, **refused(400, 416)},
)
async def content(item_id: Id, service: Asked, files: Files) -> FileResponse:
    """Send the file itself, whole or by Range."""
    known = await _known(service, item_id)
    file = await service.ask(lambda _: files.open(known), "files")
    mime = known.mime if MIME.fullmatch(known.mime) else "application/octet-stream"
    return SentFile(
        file,
        media_type=mime,
        filename=Path(known.path).name,  # a header cannot hold bytes that are not UTF-8
        content_disposition_type="inline" if INLINE.fullmatch(mime) else "attachment",
        headers={"Content-Security-Policy": SEALED},
    )


@router.get(
    "/{item_id}/preview",
    response_class=FileResponse,
    response_model=None,
    responses={200: {"content": {"image/webp": {}}}, 304: {"description": "The picture is the one of If-None-Match"}},
)
async def preview(
    item_id: Id, service: Asked, files: Files, previews: Annotated[Previews, Depends(_previews)], request: Request
) -> Response:
    """Send a WebP picture of the item: itself, a frame, a waveform, a view."""
    known = await _known(service, item_id)
    etag = f'"{item_id}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})

    def made(_: Engine) -> Path:
        with files.open(known) as file:
            return previews.make(item_id, find_path(known.path), file)

    kept = previews.find(item_id)
    if kept is None:
        kept = await service.ask(made, "previews")
    headers = {"ETag": etag, "Cache-Control": "private, max-age=31536000, immutable"}
    return FileResponse(kept, media_type="image/webp", headers=headers)


async def _known(service: Service, item_id: str) -> Payload:
    """Return the payload of an item's first segment."""
    return (await service.ask(lambda engine: engine.item(item_id)))[0]
