"""The state of a server."""

from pydantic import BaseModel

from omnisearch.types import Modality


class StatusOut(BaseModel):
    """What is served: how many segments of each modality, by which model."""

    version: str
    model: str
    dim: int
    segments: dict[Modality, int]


class HealthOut(BaseModel):
    """A probe's answer."""

    status: str
