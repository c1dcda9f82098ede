"""The map of a collection."""

from pydantic import BaseModel

from omnisearch.types import Modality


class MapPointOut(BaseModel):
    """An item on the map; `x` and `y` lie between -1 and 1."""

    id: str
    modality: Modality
    x: float
    y: float


class MapOut(BaseModel):
    """Places of items on a plane, for a uniform sample where the collection has more `items` than points.

    Items of a modality that lie near each other are similar. `made` is in seconds since 1970. `stale` says that items
    were added or removed since then, or that the index was rebuilt.
    """

    items: int
    made: float
    stale: bool
    points: list[MapPointOut]
