"""Log the progress of a long loop every few seconds."""

import logging
import time
from collections.abc import Iterator, Sequence
from typing import TypeVar

SECONDS = 10.0
T = TypeVar("T")

log = logging.getLogger(__name__)


def logged(items: Sequence[T], what: str) -> Iterator[T]:
    """Yield the items. Every `SECONDS`, log `what`, the share that is done and an estimate of the time left."""
    begun = told = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if done and now - told >= SECONDS:
            told = now
            left = (now - begun) / done * (len(items) - done)
            log.info("%s: %d of %d, %.0f s left", what, done, len(items), left)
        yield item
