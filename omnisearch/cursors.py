"""Cursors: where the page of a list ended, as text that clients pass back to get the next one.

A cursor is opaque: base64 of JSON with the place and the name of the list, which is a digest where that depends on a
question. It holds no secret and grants nothing, so it is checked and not signed.
"""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, TypeVar

from omnisearch.errors import QueryError

MAX_LENGTH = 8192  # a place may be the path of a file, of up to 4096 bytes
T = TypeVar("T")


def pack(question: str, *place: Any) -> str:
    """Return the text of a place in the answer to a question."""
    text = json.dumps([question, *place], ensure_ascii=False).encode("utf-8", "surrogateescape")
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def unpack(text: str, question: str, read: Callable[..., T]) -> T:
    """Return what `read` makes of the place that a text names; `read` raises ValueError or TypeError for a wrong one.

    Raises:
        QueryError: it is no cursor, or one of another question or index.
    """
    try:
        if len(text) > MAX_LENGTH:
            raise ValueError("too long")
        packed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        whose, *rest = json.loads(packed.decode("utf-8", "surrogateescape"))
        place = read(*rest)
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error, RecursionError):
        raise QueryError(f"{text[:40]!r} is no cursor: give `next_cursor` of the page before as it was") from None
    if whose != question:
        raise QueryError("the cursor belongs to another query or another index: ask for the first page again")
    return place
