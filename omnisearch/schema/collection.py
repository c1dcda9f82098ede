"""Collections."""

from pydantic import BaseModel, Field

from omnisearch.types import Modality


class CollectionEntry(BaseModel):
    """A collection in a list. `default` marks the one that is asked where a request names none."""

    name: str
    default: bool


class CollectionOut(CollectionEntry):
    """A collection: the model that made its vectors and their width, and how many segments of each modality it has.

    Without an index, `model` and `dim` are null and `segments` is empty.
    """

    model: str | None = None
    dim: int | None = None
    segments: dict[Modality, int] = Field(default_factory=dict)


class CollectionsOut(BaseModel):
    """All collections of a server, the default one of its data directory first."""

    collections: list[CollectionEntry]
