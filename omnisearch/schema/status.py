"""The state of a server."""

from pydantic import BaseModel

from omnisearch.types import Modality


class LimitsOut(BaseModel):
    """Limits of one query: its `terms`, the characters of a `text`, and the `hits` of an answer.

    `body` is the size of a request in bytes, with its files, and so of an upload; `seconds` is the longest sound or
    video, or slice of one, in a query. `upload_seconds` is how long an upload is kept after its last use.
    """

    terms: int
    text: int
    hits: int
    body: int
    seconds: float
    upload_seconds: float


class ReadersOut(BaseModel):
    """Whether jobs can read the text in pictures and, with `speech`, the speech in sound.

    If they are not `ready`, `way_out` says why and what to do. `level` says how index jobs read: `none`, `fast` or
    `full`.
    """

    ready: bool
    speech: bool
    way_out: str | None
    level: str


class StatusOut(BaseModel):
    """The state of a collection: its model, the number of segments of each modality, and the limits of queries.

    `reading` describes the jobs of the kind `enrich`. `models` are the names of the models that
    `POST /v1/models/{name}/pull` fetches. `reveal` is true if `POST /v1/items/{id}/reveal` works for the sender of this
    request, and `fetch_urls` if queries may name files by `url`.
    """

    version: str
    collection: str
    model: str
    dim: int
    segments: dict[Modality, int]
    limits: LimitsOut
    reading: ReadersOut
    models: list[str]
    reveal: bool
    fetch_urls: bool


class HealthOut(BaseModel):
    """The answer of a probe."""

    status: str


class ReadyOut(HealthOut):
    """For each opened collection, `ready` or the code of its error. Empty if the request has no key."""

    collections: dict[str, str]
