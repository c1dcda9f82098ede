"""The library: the folders of an index, and the files that could not be indexed."""

from pydantic import BaseModel

from omnisearch.schema.job import FileErrorOut


class RootOut(BaseModel):
    """A folder or file that was indexed, or that jobs may index.

    `number` is that of a configured root, for `GET /v1/roots/{number}/folders`; null for other paths. `allowed` is true
    if index jobs may read the path. `items` counts the indexed files at and below it, `failures` those that could not
    be read, by reason, and `unsupported` those of formats that are not read. `indexed` is the end of the last whole run
    over it, in seconds since 1970; null if there was none or it is unknown. `reachable` is false if the path is not
    there now or may not be read.
    """

    number: int | None
    path: str
    allowed: bool
    items: int
    indexed: float | None
    reachable: bool
    failures: dict[str, int]
    unsupported: int


class RootsOut(BaseModel):
    """The configured roots in their order, then the other indexed paths."""

    roots: list[RootOut]


class FoldersOut(BaseModel):
    """The names of the folders in the folder at `path`, sorted. `more` is true if some were left out."""

    path: str
    folders: list[str]
    more: bool


class StorageOut(BaseModel):
    """The disk space in bytes that a collection takes up, and what all collections share.

    `other` is the rest of the collection, such as its manifest and its map. `previews`, `uploads`, `jobs` and `weights`
    are shared. `free` is what is free on the disk of the index. Unless `exact` is true, some files were not counted.
    """

    vectors: int
    embeddings: int
    other: int
    previews: int
    uploads: int
    jobs: int
    weights: int
    free: int
    exact: bool


class FailuresOut(BaseModel):
    """Files that could not be indexed, by path, and the number of them by reason.

    `next_cursor` is the `cursor` of the next page; it is null after the last one.
    """

    failures: list[FileErrorOut]
    reasons: dict[str, int]
    next_cursor: str | None
