"""Cursors: the end of a page of a list as text, which clients send back to get the next page.

A cursor is opaque: base64 of JSON with the position and the name of the list, or a digest of the query. It holds no
secret and grants nothing, so it is checked but not signed.
"""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, TypeVar

from omnisearch.errors import QueryError

MAX_LENGTH = 8192  # a position may be the path of a file, of up to 4096 bytes
T = TypeVar("T")


def pack(question: str, *place: Any) -> str:
    """Return the cursor of a position in the answer to a query."""
    text = json.dumps([question, *place], ensure_ascii=False).encode("utf-8", "surrogateescape")
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def unpack(text: str, question: str, read: Callable[..., T]) -> T:
    """Parse a cursor; `read` converts its position and raises ValueError or TypeError if it is wrong.

    Raises:
        QueryError: it is not a cursor, or belongs to another query or index.
    """
    try:
        if len(text) > MAX_LENGTH:
            raise ValueError("too long")
        packed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        whose, *rest = json.loads(packed.decode("utf-8", "surrogateescape"))
        if not isinstance(whose, str):
            raise TypeError("no name of a list")
        if whose != question:
            raise QueryError("the cursor belongs to another query or another index: ask for the first page again")
        return read(*rest)
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error, RecursionError):
        raise QueryError(f"{text[:40]!r} is no cursor: give `next_cursor` of the page before as it was") from None
