"""Licences of weights: whether they allow commercial use, and the check of a model's spaces."""

import logging
from collections.abc import Iterable
from functools import cache

from omnisearch.config import Settings
from omnisearch.errors import LicenceError
from omnisearch.spaces.base import SpaceSpec

# SPDX names of commercial licences. An unknown licence counts as non-commercial.
COMMERCIAL = frozenset({"Apache-2.0", "BSD-3-Clause", "CC-BY-4.0", "CC0-1.0", "ISC", "MIT"})


def commercial(licence: str) -> bool:
    """Whether weights of that licence may be used commercially."""
    return licence in COMMERCIAL


def non_commercial(spaces: Iterable[SpaceSpec]) -> list[str]:
    """Return the spaces that may not be used commercially, with their licences."""
    return [f"{spec.name} ({spec.licence})" for spec in spaces if not commercial(spec.licence)]


def check(model: str, spaces: Iterable[SpaceSpec], settings: Settings) -> None:
    """Check the spaces of a model against the setting `license`; warn once, on stderr, if a model is non-commercial.

    Raises:
        LicenceError: `license` is commercial, but some spaces are not; names them.
    """
    refused = non_commercial(spaces)
    if not refused:
        return
    because = f"model {model} is not for commercial use, because of its spaces {', '.join(refused)}"
    if settings.license == "commercial":
        raise LicenceError(f"{because}; license = 'commercial' refuses it")
    _say(because)


@cache
def _say(text: str) -> None:
    logging.getLogger(__name__).warning("%s", text)
