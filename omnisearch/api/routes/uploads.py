"""Uploads: send a file once, and name it by its id in many queries."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from omnisearch.api.access import needs
from omnisearch.api.expressions import UploadId
from omnisearch.api.idempotency import REPEATED, Creating
from omnisearch.api.kept_uploads import Uploads
from omnisearch.api.keys import Scope
from omnisearch.api.openapi import refused
from omnisearch.api.request_body import disk_full_refused
from omnisearch.api.upload_store import KeptUpload, hash_sent
from omnisearch.schema.upload import UploadOut

FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": {"type": "string", "format": "binary"}},
    "additionalProperties": False,
}
BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}}}

router = APIRouter(prefix="/v1/uploads", tags=["uploads"], **needs(Scope.SEARCH))
Id = Annotated[UploadId, InPath(description="The id of an upload.")]


@router.post("", status_code=HTTPStatus.CREATED, openapi_extra=BODY, responses=refused(400, 409, 507, s409=REPEATED))
async def add(request: Request, response: Response, uploads: Uploads, creating: Creating) -> UploadOut:
    """Keep a file for queries: the part `file` of a multipart body. The same content always gets the same id."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the file as part `file` of multipart/form-data")
    with disk_full_refused():
        async with request.form(max_files=1, max_fields=0) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "the file part `file` is missing")
            sent, name = file.file, file.filename or ""

            async def keep() -> UploadOut:
                kept = await uploads.ask(lambda store: store.keep(sent, name))
                response.headers["Location"] = f"/v1/uploads/{kept.id}"
                return _out(kept)

            content = await uploads.ask(lambda _: hash_sent(sent)) if creating.has_key else None
            return await creating.once([content, name], UploadOut, keep)


@router.get("/{upload_id}")
async def show(upload_id: Id, uploads: Uploads) -> UploadOut:
    """Return an upload."""
    return _out(await uploads.ask(lambda store: store.get(upload_id)))


@router.delete("/{upload_id}", status_code=HTTPStatus.NO_CONTENT, responses=refused(507))
async def remove(upload_id: Id, uploads: Uploads) -> None:
    """Delete an upload."""
    await uploads.ask(lambda store: store.remove(upload_id))


def _out(kept: KeptUpload) -> UploadOut:
    return UploadOut(
        id=kept.id, name=kept.name, size=kept.size, mime=kept.mime, modality=kept.modality, expires=kept.expires
    )
