"""The library: the roots of an index, folders that may be added, files that could not be indexed, and disk space."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath

from omnisearch.api.access import needs
from omnisearch.api.job_table import Jobs, Named
from omnisearch.api.keys import Scope
from omnisearch.api.routes.jobs import Cursor, Limit, file_path
from omnisearch.api.safe_strings import SafeFolder
from omnisearch.api.storage import StorageMeter
from omnisearch.config import Settings
from omnisearch.cursors import pack, unpack
from omnisearch.errors import NotFoundError, Reason
from omnisearch.jobs.folders import FolderList, list_folders
from omnisearch.jobs.library import load_library
from omnisearch.jobs.roots import uploaded_dir
from omnisearch.paths import is_within, show_path
from omnisearch.schema.job import FileErrorOut
from omnisearch.schema.library import FailuresOut, FoldersOut, RootOut, RootsOut, StorageOut

router = APIRouter(prefix="/v1", tags=["library"], **needs(Scope.INDEX))
Number = Annotated[int, InPath(ge=0, le=10_000, description="The number of a configured root.")]
Below = Annotated[SafeFolder, Query(description="A folder below the root; the root itself if left out.")]


@router.get("/roots")
async def roots(jobs: Jobs, collection: Named) -> RootsOut:
    """List the configured roots, which index jobs may read, and the other paths that were indexed."""

    def read(settings: Settings) -> list[RootOut]:
        configured = [os.path.realpath(root) for root in settings.index_roots]
        allowed = [*configured, os.path.realpath(uploaded_dir(settings))]
        known = load_library().roots(_of(settings, collection), configured)
        return [_root(row, configured, allowed) for row in known]

    return RootsOut(roots=await jobs.check(read))


@router.get("/roots/{number}/folders")
async def folders(number: Number, jobs: Jobs, path: Below = "") -> FoldersOut:
    """List the folders in a folder below a configured root. Links are not followed, and hidden folders are left out."""

    def read(settings: Settings) -> FolderList:
        if number >= len(settings.index_roots):
            raise NotFoundError(f"there is no root {number}: GET /v1/roots lists the configured ones")
        return list_folders(settings.index_roots[number], path)

    return FoldersOut(**asdict(await jobs.check(read)))


@router.get("/failures")
async def failures(
    jobs: Jobs,
    collection: Named,
    reason: Annotated[Reason | None, Query(description="Only files that failed for this reason.")] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> FailuresOut:
    """List the files of a collection that could not be indexed, from the present state of the index."""
    whose = f"failures of {collection} {reason or ''}"
    after = unpack(cursor, whose, file_path) if cursor else ""

    def read(settings: Settings) -> tuple[Sequence[Mapping[str, Any]], Mapping[str, int]]:
        own, library = _of(settings, collection), load_library()
        return library.failures(own, reason, after, limit + 1), library.reasons(own)

    rows, reasons = await jobs.check(read)
    shown = [FileErrorOut.model_validate(row) for row in rows[:limit]]
    following = pack(whose, rows[limit - 1]["cursor"]) if len(rows) > limit else None
    return FailuresOut(failures=shown, reasons=dict(reasons), next_cursor=following)


@router.get("/storage")
async def storage(request: Request, jobs: Jobs, collection: Named) -> StorageOut:
    """Return the disk space that a collection takes up, and what all collections share."""
    meter: StorageMeter = request.app.state.storage
    found = await jobs.check(lambda settings: meter.measure(_of(settings, collection)))
    return StorageOut(**found.parts, free=found.free, exact=found.exact)


def _of(settings: Settings, collection: str) -> Settings:
    return settings.model_copy(update={"collection": collection})


def _root(row: Mapping[str, Any], configured: Sequence[str], allowed: Sequence[str]) -> RootOut:
    path = row["path"]
    reachable = os.access(path, os.R_OK | (os.X_OK if Path(path).is_dir() else 0))
    return RootOut(
        **{**row, "path": show_path(path)},
        number=configured.index(path) if path in configured else None,
        allowed=any(is_within(path, root) for root in allowed),
        reachable=reachable,
    )
