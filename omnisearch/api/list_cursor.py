"""Cursors: where the next page of a list begins, as text that clients pass back as it is."""

import base64
import binascii

from omnisearch.errors import QueryError


def write_cursor(place: str) -> str:
    """Encode the last entry of a page."""
    return base64.urlsafe_b64encode(place.encode("utf-8", "surrogateescape")).decode()


def read_cursor(cursor: str) -> str:
    """Decode a cursor; the empty one is the start of the list.

    Raises:
        QueryError: it is none of ours.
    """
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        raise QueryError("`cursor` is no `next_cursor` of this list: send it as it was received") from None
