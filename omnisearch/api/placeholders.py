"""Placeholders of previews for answers with items, so that a page draws something before any preview has loaded."""

from typing import Annotated, cast

from fastapi import Depends, Request

from omnisearch.media.previews.placeholder import Placeholder
from omnisearch.renditions.kept import KeptRenditions

REMEMBERED = 100_000  # items: some 30 MB
_NONE: dict[str, object] = {"placeholder": None, "aspect": None}


class Placeholders:
    """Reads placeholders from the files of kept previews, and remembers them. Use it from one event loop."""

    def __init__(self, kept: KeptRenditions) -> None:
        self._kept = kept
        self._known: dict[str, Placeholder] = {}

    def fields(self, item_id: str) -> dict[str, object]:
        """Return the fields `placeholder` and `aspect` of an answer; both null if the item has no preview yet."""
        found = self._known.get(item_id) or self._kept.placeholder(item_id)
        if found is None:
            return _NONE
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[item_id] = found
        return {"placeholder": found.thumbhash, "aspect": found.aspect}


async def _placeholders(request: Request) -> Placeholders:
    return cast(Placeholders, request.app.state.placeholders)


WithPlaceholders = Annotated[Placeholders, Depends(_placeholders)]
