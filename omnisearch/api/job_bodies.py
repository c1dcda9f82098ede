"""The bodies of POST /v1/jobs: one for each kind of job that users may queue there."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel

from omnisearch.api.expressions import ItemId, Strict
from omnisearch.api.words import SafeStr

MAX_PATHS, MAX_ITEMS = 100, 1000


class IndexIn(Strict):
    """Index `paths`, which lie in the index roots of the server.

    `retry_failed` reads files again that failed before; `prune` removes files that are not found even if a whole path
    is missing.
    """

    kind: Literal["index"]
    paths: list[SafeStr] = Field(min_length=1, max_length=MAX_PATHS)
    retry_failed: bool = False
    prune: bool = False


class ForgetIn(Strict):
    """Remove items from the index. No file is deleted; ids that are not indexed are ignored."""

    kind: Literal["forget"]
    item_ids: list[ItemId] = Field(min_length=1, max_length=MAX_ITEMS)


class JobIn(RootModel[Annotated[IndexIn | ForgetIn, Field(discriminator="kind")]]):
    """The body of POST /v1/jobs; `kind` says which job it is."""

    model_config = ConfigDict(frozen=True)
