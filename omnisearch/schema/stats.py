"""Counts of the items of an index."""

from pydantic import BaseModel

from omnisearch.types import Modality


class StatsOut(BaseModel):
    """Items and segments by modality, and the model that embedded them. Times are in seconds since 1970.

    `size` is in bytes. `partly_read` counts items whose file is damaged or too long to be read whole. Unless `exact` is
    true, these two are estimates from a sample.
    """

    collection: str
    model: str
    dim: int
    items: dict[Modality, int]
    segments: dict[Modality, int]
    oldest: float | None
    newest: float | None
    size: int
    partly_read: int
    exact: bool


class FacetEntry(BaseModel):
    """A value and how many items have it."""

    value: str
    count: int


class FacetOut(BaseModel):
    """The most frequent values of a facet, and how many others there are."""

    values: list[FacetEntry]
    others: int


class FacetsOut(BaseModel):
    """Counts of the items of a selection by modality, type, year, place, camera, language and folder.

    Unless `exact` is true, the counts are estimates from a sample, in which rare values may be absent.
    """

    items: int
    exact: bool
    modality: FacetOut
    mime: FacetOut
    year: FacetOut
    place: FacetOut
    camera: FacetOut
    language: FacetOut
    folder: FacetOut
