"""Selections of items as query parameters."""

from typing import Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, Field, PlainValidator, StringConstraints, TypeAdapter, WithJsonSchema

from omnisearch.api.safe_strings import SafeText
from omnisearch.cursors import MAX_LENGTH
from omnisearch.errors import QueryError
from omnisearch.query.area import AREA_PATTERN, parse_area
from omnisearch.query.condition_parser import MAX_CONDITIONS, parse_condition
from omnisearch.query.conditions import Condition
from omnisearch.search.item_list import Selection
from omnisearch.search.shuffled import Shuffle
from omnisearch.stores.base import Order
from omnisearch.types import Modality

MAX_ITEMS = 200

_TEXT: TypeAdapter[str] = TypeAdapter(SafeText)


def _condition(text: object) -> Condition:
    """Parse a condition as a field, so that the error points at it."""
    try:
        return parse_condition(_TEXT.validate_python(text))
    except QueryError as error:
        raise ValueError(str(error)) from None


def _listed(given: object) -> object:
    """Split a list that is written with commas in one parameter, or in several of the same name."""
    parts = given if isinstance(given, list | tuple) else [given]
    return [name.strip() for part in parts for name in str(part).split(",")]


Conditions = Annotated[
    tuple[Annotated[Condition, PlainValidator(_condition), WithJsonSchema(_TEXT.json_schema())], ...],
    Field(max_length=MAX_CONDITIONS),
]
# The corners of an area in a link.
AreaText = Annotated[str, StringConstraints(pattern=AREA_PATTERN)]
CursorText = Annotated[str, StringConstraints(max_length=MAX_LENGTH)]


class SelectionLink(BaseModel):
    """The items of some modalities that meet conditions.

    They lie in an area of the map, if one is given: `x,y` of its corners, with `;` between.
    """

    modalities: Annotated[tuple[Modality, ...], BeforeValidator(_listed)] = Field(tuple(Modality), min_length=1)
    where: Conditions = ()
    area: AreaText = ""

    def to_selection(self) -> Selection:
        """Return the selection."""
        return Selection(tuple(dict.fromkeys(self.modalities)), self.where, parse_area(self.area))


class ItemsLink(SelectionLink):
    """The parameters of GET /v1/items. A minus before the order puts the largest first.

    `taken` is the time taken, or the time of the last change where that is unknown. `sample` is an order that `seed`
    selects; its first items are a uniform sample.
    """

    order: Literal["id", "added", "-added", "taken", "-taken", "mtime", "-mtime", "size", "-size", "sample"] = "id"
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_ITEMS)] = 50
    cursor: CursorText = ""

    def to_order(self) -> Order | Shuffle:
        """Return the order."""
        if self.order == "sample":
            return Shuffle(self.seed)
        field = self.order.lstrip("-").replace("taken", "date")
        return Order(cast(Literal["id", "mtime", "size", "date", "added"], field), self.order.startswith("-"))


class TextLink(BaseModel):
    """The parameters of GET /v1/items/{id}/text: up to `limit` passages of at most 16,384 characters each."""

    limit: Annotated[int, Field(ge=1, le=MAX_ITEMS)] = 50
    cursor: CursorText = ""


class FacetsLink(SelectionLink):
    """The parameters of GET /v1/facets: up to `limit` values of each facet."""

    limit: Annotated[int, Field(ge=1, le=MAX_ITEMS)] = 20
