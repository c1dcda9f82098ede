"""Selections of items as query parameters."""

from typing import Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, Field, PlainValidator, StringConstraints, TypeAdapter, WithJsonSchema

from omnisearch.api.safe_strings import SafeText
from omnisearch.cursors import MAX_LENGTH
from omnisearch.errors import QueryError
from omnisearch.query.condition_parser import MAX_CONDITIONS, parse_condition
from omnisearch.query.conditions import Condition
from omnisearch.search.item_list import Selection
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
CursorText = Annotated[str, StringConstraints(max_length=MAX_LENGTH)]


class SelectionLink(BaseModel):
    """The items of some modalities that meet conditions."""

    modalities: Annotated[tuple[Modality, ...], BeforeValidator(_listed)] = Field(tuple(Modality), min_length=1)
    where: Conditions = ()

    def to_selection(self) -> Selection:
        """Return the selection."""
        return Selection(tuple(dict.fromkeys(self.modalities)), self.where)


class ItemsLink(SelectionLink):
    """The parameters of GET /v1/items. A minus before the order puts the largest first."""

    order: Literal["id", "mtime", "-mtime", "size", "-size"] = "id"
    limit: Annotated[int, Field(ge=1, le=MAX_ITEMS)] = 50
    cursor: CursorText = ""

    def to_order(self) -> Order:
        """Return the order."""
        return Order(cast(Literal["id", "mtime", "size"], self.order.lstrip("-")), self.order.startswith("-"))


class TextLink(BaseModel):
    """The parameters of GET /v1/items/{id}/text: up to `limit` passages of at most 16,384 characters each."""

    limit: Annotated[int, Field(ge=1, le=MAX_ITEMS)] = 50
    cursor: CursorText = ""


class FacetsLink(SelectionLink):
    """The parameters of GET /v1/facets: up to `limit` values of each facet."""

    limit: Annotated[int, Field(ge=1, le=MAX_ITEMS)] = 20
