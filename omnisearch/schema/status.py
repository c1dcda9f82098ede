"""The state of a server."""

from pydantic import BaseModel

from omnisearch.types import Modality


class LimitsOut(BaseModel):
    """Limits of one query: its `terms`, the characters of a `text`, and the `hits` of an answer."""

    terms: int
    text: int
    hits: int


class StatusOut(BaseModel):
    """The state of a collection: its model, the number of segments of each modality, and the limits of queries."""

    version: str
    collection: str
    model: str
    dim: int
    segments: dict[Modality, int]
    limits: LimitsOut


class HealthOut(BaseModel):
    """The answer of a probe."""

    status: str


class ReadyOut(HealthOut):
    """For each opened collection, `ready` or the code of its error. Empty if the request has no key."""

    collections: dict[str, str]
