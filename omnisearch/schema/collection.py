"""Collections."""

from pydantic import BaseModel, Field

from omnisearch.types import Modality


class CollectionEntry(BaseModel):
    """A collection in a list. `default` marks the collection of requests that name none."""

    name: str
    default: bool


class CollectionOut(CollectionEntry):
    """A collection: its model, the dimension `dim` of its vectors, and the number of segments of each modality.

    Without an index, `model` and `dim` are null and `segments` is empty.
    """

    model: str | None = None
    dim: int | None = None
    segments: dict[Modality, int] = Field(default_factory=dict)


class CollectionsOut(BaseModel):
    """All collections of a server, the default one of its data directory first."""

    collections: list[CollectionEntry]
