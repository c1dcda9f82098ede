"""The bodies of POST /v1/jobs: one for each kind of job that users may queue there."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel, model_validator

from omnisearch.api.expressions import ItemId, Strict, UploadId
from omnisearch.api.safe_strings import SafePath

MAX_PATHS, MAX_ITEMS = 100, 1000


class IndexIn(Strict):
    """Index `paths`, which must be in the index roots of the server, and `uploads`, which then no longer expire.

    `retry_failed` also reads files that failed before. `prune` removes missing files from the index even if a whole
    path is missing.
    """

    kind: Literal["index"]
    paths: list[SafePath] = Field([], max_length=MAX_PATHS)
    uploads: list[UploadId] = Field([], max_length=MAX_PATHS)
    retry_failed: bool = False
    prune: bool = False

    @model_validator(mode="after")
    def _something(self) -> "IndexIn":
        if not self.paths and not self.uploads:
            raise ValueError("name at least one of `paths` or `uploads`")
        return self


class ForgetIn(Strict):
    """Remove items from the index. No file is deleted; ids that are not indexed are ignored."""

    kind: Literal["forget"]
    item_ids: list[ItemId] = Field(min_length=1, max_length=MAX_ITEMS)


class EnrichIn(Strict):
    """Read the text in pictures and the speech in sound of the indexed items that lack it, at the level `read`."""

    kind: Literal["enrich"]
    read: Literal["fast", "full"] = "fast"


class MapIn(Strict):
    """Make the map of a collection for `GET /v1/map`, replacing the previous one."""

    kind: Literal["map"]


class JobIn(RootModel[Annotated[IndexIn | EnrichIn | ForgetIn | MapIn, Field(discriminator="kind")]]):
    """The body of POST /v1/jobs; `kind` selects the job."""

    model_config = ConfigDict(frozen=True)
