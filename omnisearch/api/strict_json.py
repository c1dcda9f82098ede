"""Strict JSON: parse bodies by RFC 8259 and refuse objects with duplicate members."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


def parse_json(body: bytes | str, kind: type[M]) -> M:
    """Parse a body as a model.

    Pydantic parses the bytes itself and refuses NaN, deep nesting and lone surrogates, which Python's parser accepts.
    Duplicate members are refused because Pydantic uses the last one and other parsers may use the first one.

    Raises:
        RequestValidationError: the body is not JSON or does not fit the model.
    """
    try:
        model = kind.model_validate_json(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError(details) from None
    json.loads(body, object_pairs_hook=_unique)
    return model


def _unique(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise RequestValidationError([{"type": "duplicate", "loc": (doubled,), "msg": "the field occurs twice"}])
    return members
