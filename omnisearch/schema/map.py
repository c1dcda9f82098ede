"""The map of a collection."""

from pydantic import BaseModel

from omnisearch.types import Modality


class MapPointOut(BaseModel):
    """An item on the map; `x` and `y` are between -1 and 1."""

    id: str
    modality: Modality
    x: float
    y: float


class MapOut(BaseModel):
    """Positions of items on a plane. If the collection has more `items` than points, these are a uniform sample.

    Items of a modality that are near each other are similar. `made` is in seconds since 1970. `stale` is true if items
    were added or removed since then, or the index was rebuilt.
    """

    items: int
    made: float
    stale: bool
    points: list[MapPointOut]
