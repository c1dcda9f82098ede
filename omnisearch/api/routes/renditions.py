"""The renditions of items, made once: GET /v1/items/{id}/preview, /frame, /model.glb and /peaks."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated, BinaryIO, Literal, cast

from fastapi import APIRouter, Depends, Query, Request, Response

from omnisearch.api.access import needs
from omnisearch.api.etag import not_modified
from omnisearch.api.keys import Scope
from omnisearch.api.renditions import Renditions
from omnisearch.api.routes.items import Files, Id, first_of
from omnisearch.api.sent_file import BYTES, SentFile, sends
from omnisearch.api.service import Asked, SearchEngine, Service
from omnisearch.media.rendition import AnyRendition, Frame, PagePicture, Rendition, rendition_name
from omnisearch.paths import find_path
from omnisearch.schema.peaks import PeaksOut
from omnisearch.stores.base import Payload

MAX_SECONDS = 1e9
MAX_PAGES = 1_000_000
# Not immutable, since another DRAWING changes their looks: a browser asks after a day whether what it holds is valid.
KEPT = {"Cache-Control": "private, max-age=86400"}


async def send_rendition(
    request: Request,
    service: Service,
    known: Payload,
    rendition: AnyRendition,
    media_type: str,
    opened: Callable[[], AbstractContextManager[BinaryIO]],
) -> Response:
    """Return a rendition of a file as response; make it of the file that `opened` opens if there is none yet.

    Raises:
        NotFoundError: it has no such rendition, or `opened` raised this.
        MediaError: the file cannot be decoded.
    """
    etag = f'"{rendition_name(known.item_id, rendition)}"'
    if (held := not_modified(request, etag, KEPT)) is not None:
        return held
    renditions = cast(Renditions, request.app.state.renditions)

    def made(_: SearchEngine) -> BinaryIO:
        with opened() as file:
            return renditions.make(known, rendition, find_path(known.path), file)

    kept = renditions.find(known, rendition)
    if kept is None:
        kept = await service.ask(made, "previews")
    return SentFile(kept, media_type=media_type, headers={"ETag": etag, **KEPT})


class Viewed:
    """The item of a request, with the service and the files that a rendition needs."""

    def __init__(self, item_id: Id, service: Asked, files: Files, request: Request) -> None:
        self._id, self._service, self._files, self._request = item_id, service, files, request

    async def send(self, chosen: AnyRendition | Callable[[Payload], Frame], media_type: str) -> Response:
        """Return a rendition, or the frame chosen for the item, as response; make it if there is none yet.

        Raises:
            NotFoundError: there is no such item, it has no such rendition, or its file is missing or has changed.
            MediaError: its file cannot be decoded.
        """
        known = await first_of(self._service, self._id)
        rendition = chosen(known) if callable(chosen) else chosen
        return await send_rendition(
            self._request, self._service, known, rendition, media_type, lambda: self._files.open(known)
        )


router = APIRouter(prefix="/v1/items", tags=["items"], **needs(Scope.SEARCH))
Shown = Annotated[Viewed, Depends()]


@sends(router, "/{item_id}/preview", {"content": {"image/webp": BYTES}})
async def preview(
    shown: Shown, size: Annotated[Literal["small", "large"], Query(description="320 or 1280 pixels")] = "small"
) -> Response:
    """Send a WebP picture of the item: itself, a frame, a waveform, a view."""
    return await shown.send(Rendition.LARGE if size == "large" else Rendition.SMALL, "image/webp")


@sends(router, "/{item_id}/frame", {"content": {"image/webp": BYTES}})
async def frame(
    shown: Shown, at: Annotated[float, Query(ge=0, le=MAX_SECONDS, allow_inf_nan=False, description="seconds")] = 0.0
) -> Response:
    """Send a WebP picture of a film at a second, at most 320 pixels long; the last one for a time after the end."""
    return await shown.send(lambda known: Frame.at(at, known.duration), "image/webp")


@sends(router, "/{item_id}/page", {"content": {"image/webp": BYTES}})
async def page(
    shown: Shown, number: Annotated[int, Query(ge=1, le=MAX_PAGES, description="the page, counted from 1")] = 1
) -> Response:
    """Send a WebP picture of a page of a PDF, at most 1280 pixels long."""
    return await shown.send(PagePicture(number), "image/webp")


@sends(router, "/{item_id}/model.glb", {"content": {"model/gltf-binary": BYTES}})
async def model(shown: Shown) -> Response:
    """Send a 3D model as an uncompressed GLB file with at most 100,000 triangles or 200,000 points."""
    return await shown.send(Rendition.GLB, "model/gltf-binary")


@sends(router, "/{item_id}/peaks", {"model": PeaksOut})
async def peaks(shown: Shown) -> Response:
    """Send the waveform of a sound or of the sound track of a film, in up to 1000 stretches."""
    return await shown.send(Rendition.PEAKS, "application/json")
