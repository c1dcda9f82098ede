"""The renditions of uploads, made once: GET /v1/uploads/{id}/preview and /peaks."""

import os
from typing import Annotated, Literal

from blake3 import blake3
from fastapi import APIRouter, Depends, Query, Request, Response

from omnisearch.api.access import needs
from omnisearch.api.kept_uploads import Uploads
from omnisearch.api.keys import Scope
from omnisearch.api.routes.renditions import send_rendition
from omnisearch.api.routes.uploads import Id
from omnisearch.api.sent_file import BYTES, sends
from omnisearch.api.service import Asked
from omnisearch.errors import NotFoundError
from omnisearch.media.file import ID_DIGITS, open_file
from omnisearch.media.rendition import Rendition
from omnisearch.schema.peaks import PeaksOut
from omnisearch.stores.base import Payload


class ViewedUpload:
    """The upload of a request, with what a rendition of it needs."""

    def __init__(self, upload_id: Id, service: Asked, uploads: Uploads, request: Request) -> None:
        self._id, self._service, self._uploads, self._request = upload_id, service, uploads, request

    async def send(self, rendition: Rendition, media_type: str) -> Response:
        """Return a rendition as response; make it if there is none yet. The upload counts as used.

        Raises:
            NotFoundError: there is no such upload, or it has no such rendition.
            MediaError: its file cannot be decoded.
        """
        kept = await self._uploads.ask(lambda store: store.get(self._id))
        path = (await self._uploads.use([self._id]))[self._id].path
        # An upload may have the content of an item and another extension: the two share no rendition.
        known = Payload(
            item_id=blake3(path.name.encode()).hexdigest()[:ID_DIGITS],
            modality=kept.modality,
            mime=kept.mime,
            path=str(path),
        )
        try:
            return await send_rendition(
                self._request, self._service, known, rendition, media_type, lambda: os.fdopen(open_file(path), "rb")
            )
        except NotFoundError:
            raise NotFoundError(
                f"upload {self._id} has no {rendition.noun}: it is of the modality {kept.modality}"
            ) from None


router = APIRouter(prefix="/v1/uploads", tags=["uploads"], **needs(Scope.SEARCH))
Shown = Annotated[ViewedUpload, Depends()]


@sends(router, "/{upload_id}/preview", {"content": {"image/webp": BYTES}})
async def preview_upload(
    shown: Shown, size: Annotated[Literal["small", "large"], Query(description="320 or 1280 pixels")] = "small"
) -> Response:
    """Send a WebP picture of an upload: itself, a frame, a waveform, a view."""
    return await shown.send(Rendition.LARGE if size == "large" else Rendition.SMALL, "image/webp")


@sends(router, "/{upload_id}/peaks", {"model": PeaksOut})
async def peaks_of_upload(shown: Shown) -> Response:
    """Send the waveform of an uploaded sound or film, in up to 1000 stretches."""
    return await shown.send(Rendition.PEAKS, "application/json")
