"""The state of a server."""

from pydantic import BaseModel

from omnisearch.types import Modality


class LimitsOut(BaseModel):
    """What one query may hold: `terms`, the characters of a `text`, and the `hits` of an answer."""

    terms: int
    text: int
    hits: int


class StatusOut(BaseModel):
    """What is served: a collection, how many segments of each modality it has, by which model, and the limits."""

    version: str
    collection: str
    model: str
    dim: int
    segments: dict[Modality, int]
    limits: LimitsOut


class HealthOut(BaseModel):
    """A probe's answer."""

    status: str


class ReadyOut(HealthOut):
    """For each collection that was opened, `ready` or the code of what is wrong with it. Empty without a key."""

    collections: dict[str, str]
