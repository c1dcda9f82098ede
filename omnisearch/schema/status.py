"""The state of a server."""

from pydantic import BaseModel

from omnisearch.types import Modality


class StatusOut(BaseModel):
    """What is served: a collection, how many segments of each modality it has, and by which model."""

    version: str
    collection: str
    model: str
    dim: int
    segments: dict[Modality, int]


class HealthOut(BaseModel):
    """A probe's answer."""

    status: str
