"""GET /v1/items/{id}, its content and its preview. A file is reached by the id of its item, never by a path."""

import os
import re
import stat
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, cast

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from omnisearch.api.errors import problem
from omnisearch.api.expressions import ItemId
from omnisearch.api.previews import Previews
from omnisearch.api.schemas import ItemOut
from omnisearch.api.service import Asked, Engine
from omnisearch.errors import NotFoundError
from omnisearch.paths import find_path
from omnisearch.stores.base import Payload

# What a browser shows without running anything. All else is a download.
INLINE = re.compile(r"audio/[\w.+-]+|video/[\w.+-]+|image/(?:jpeg|png|webp|gif|bmp|avif)|text/plain")
MIME = re.compile(r"[\w.+-]+/[\w.+-]+")
SEALED = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"


class SentFile(FileResponse):
    """A file response whose refusals of a Range are problem documents too: Starlette's own are plain text."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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

        await super().__call__(scope, receive, send_or_refuse)


router = APIRouter(prefix="/v1/items", tags=["items"])
Id = Annotated[ItemId, InPath()]


@router.get("/{item_id}")
async def item(item_id: Id, service: Asked) -> ItemOut:
    """Say what is known of an item and of its segments."""
    return ItemOut.of(await service.ask(lambda engine: engine.item(item_id)))


@router.get("/{item_id}/content", response_class=FileResponse)
async def content(item_id: Id, service: Asked) -> FileResponse:
    """Send the file itself, whole or by Range."""
    return await service.ask(lambda engine: _content(engine, item_id))


@router.get("/{item_id}/preview", response_class=FileResponse, response_model=None)
async def preview(item_id: Id, service: Asked, request: Request) -> Response:
    """Send a WebP picture of the item: itself, a frame, a waveform, a view."""
    etag = f'"{item_id}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
    previews = cast(Previews, request.app.state.previews)
    file = await service.ask(lambda engine: previews.get(item_id, _regular(engine.item(item_id)[0])[0]))
    headers = {"ETag": etag, "Cache-Control": "private, max-age=31536000, immutable"}
    return FileResponse(file, media_type="image/webp", headers=headers)


def _content(engine: Engine, item_id: str) -> SentFile:
    known = engine.item(item_id)[0]
    path, status = _regular(known)
    mime = known.mime if MIME.fullmatch(known.mime) else "application/octet-stream"
    return SentFile(
        path,
        stat_result=status,
        media_type=mime,
        filename=Path(known.path).name,  # a header holds no bytes that are no UTF-8
        content_disposition_type="inline" if INLINE.fullmatch(mime) else "attachment",
        headers={"Content-Security-Policy": SEALED},
    )


def _regular(known: Payload) -> tuple[Path, os.stat_result]:
    """Return the file of an item, which must still be a regular file and no link."""
    path = find_path(known.path)
    try:
        status = path.stat(follow_symlinks=False)
    except OSError:
        raise NotFoundError(f"the file of item {known.item_id} is gone since it was indexed") from None
    if not stat.S_ISREG(status.st_mode):
        raise NotFoundError(f"the file of item {known.item_id} is no longer a regular file")
    return path, status
