"""The renditions of items, made once: GET /v1/items/{id}/preview, /model.glb and /peaks."""

from typing import Annotated, BinaryIO, Literal, cast

from fastapi import APIRouter, Depends, Query, Request, Response

from omnisearch.api.access import needs
from omnisearch.api.etag import not_modified
from omnisearch.api.keys import Scope
from omnisearch.api.renditions import Renditions
from omnisearch.api.routes.items import Files, Id, first_of
from omnisearch.api.sent_file import BYTES, SentFile, sends
from omnisearch.api.service import Asked, SearchEngine
from omnisearch.media.rendition import Rendition
from omnisearch.paths import find_path
from omnisearch.schema.peaks import PeaksOut

KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}


class Viewed:
    """The item of a request, with the service and the files that a rendition needs."""

    def __init__(self, item_id: Id, service: Asked, files: Files, request: Request) -> None:
        self._id, self._service, self._files, self._request = item_id, service, files, request
        self._renditions = cast(Renditions, request.app.state.renditions)

    async def send(self, rendition: Rendition, media_type: str) -> Response:
        """Return a rendition as response; make it if there is none yet.

        Raises:
            NotFoundError: there is no such item, it has no such rendition, or its file is missing or has changed.
            MediaError: its file cannot be decoded.
        """
        known = await first_of(self._service, self._id)
        etag = f'"{self._id}.{rendition}"'
        if (held := not_modified(self._request, etag, KEPT)) is not None:
            return held

        def made(_: SearchEngine) -> BinaryIO:
            with self._files.open(known) as file:
                return self._renditions.make(known, rendition, find_path(known.path), file)

        kept = self._renditions.find(known, rendition)
        if kept is None:
            kept = await self._service.ask(made, "previews")
        return SentFile(kept, media_type=media_type, headers={"ETag": etag, **KEPT})


router = APIRouter(prefix="/v1/items", tags=["items"], **needs(Scope.SEARCH))
Shown = Annotated[Viewed, Depends()]


@sends(router, "/{item_id}/preview", {"content": {"image/webp": BYTES}})
async def preview(
    shown: Shown, size: Annotated[Literal["small", "large"], Query(description="320 or 1280 pixels")] = "small"
) -> Response:
    """Send a WebP picture of the item: itself, a frame, a waveform, a view."""
    return await shown.send(Rendition.LARGE if size == "large" else Rendition.SMALL, "image/webp")


@sends(router, "/{item_id}/model.glb", {"content": {"model/gltf-binary": BYTES}})
async def model(shown: Shown) -> Response:
    """Send a 3D model as an uncompressed GLB file with at most 100,000 triangles or 200,000 points."""
    return await shown.send(Rendition.GLB, "model/gltf-binary")


@sends(router, "/{item_id}/peaks", {"model": PeaksOut})
async def peaks(shown: Shown) -> Response:
    """Send the waveform of a sound or of the sound track of a film, in up to 1000 stretches."""
    return await shown.send(Rendition.PEAKS, "application/json")
