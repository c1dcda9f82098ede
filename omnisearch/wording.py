"""Phrases that the messages of several rooms share."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'X'?" for a name that is near to a known one, else nothing."""
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def byte_size(count: int) -> str:
    """Format a number of bytes in decimal units, as `max_memory` is given: 9.4GB."""
    from pydantic import ByteSize

    return ByteSize(count).human_readable(decimal=True)


def first_invalid(error: "ValidationError") -> str:
    """Return the place and the message of the first field of a document that is wrong."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole"
    return f"{place}: {first['msg']}"
