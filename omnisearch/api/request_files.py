"""The files of a multipart request, on disk for as long as the request lasts."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from omnisearch.api.expressions import Upload

MAX_LABEL = 255
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")


@asynccontextmanager
async def spooled(form: FormData, names: Collection[str]) -> AsyncIterator[dict[str, Upload]]:
    """Write the named parts of a form to files, and delete these afterwards.

    Raises:
        HTTPException: 422, a named part is missing or is not a file.
    """
    with tempfile.TemporaryDirectory(prefix="omnisearch-") as folder:
        uploads = {}
        for number, name in enumerate(sorted(names)):
            part = form.get(name)
            if not isinstance(part, UploadFile):
                raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name!r} names no file part of the request")
            uploads[name] = await asyncio.to_thread(_write, part, Path(folder) / str(number))
        yield uploads


def _write(part: UploadFile, stem: Path) -> Upload:
    upload = placed(stem, part.filename or "")
    with part.file, upload.path.open("wb") as file:  # the copy of the form parser is no longer needed
        shutil.copyfileobj(part.file, file)
    return upload


def placed(stem: Path, name: str) -> Upload:
    """Return the upload for a file that the user calls `name`: its path is `stem` with the extension of the name.

    No other part of the user's name is used on the disk, and the extension only if it is plain ASCII.
    """
    label = _label(name)
    suffix = Path(label).suffix
    path = stem.with_suffix(suffix.lower() if _SUFFIX.fullmatch(suffix) else "")
    return Upload(path=path, label=label or "file")


def _label(name: str) -> str:
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return re.split(r"[/\\]", shown)[-1][-MAX_LABEL:]
