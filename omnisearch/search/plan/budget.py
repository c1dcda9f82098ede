"""The budget of a query: limits on the work for its files."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from omnisearch.errors import QueryError, StoppedError
from omnisearch.query.expressions import Term
from omnisearch.types import MediaInfo


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Budget:
    """`stopped` is called at intervals and ends the query if true. `seconds` limits each sound or video term."""

    stopped: Callable[[], bool] = _never
    seconds: float = math.inf

    def check(self) -> None:
        """Check whether the query was stopped.

        Raises:
            StoppedError: the query was stopped.
        """
        if self.stopped():
            raise StoppedError("the query was stopped before it was answered")

    def check_length(self, term: Term, info: MediaInfo) -> None:
        """Refuse a sound or a video that is too long. For a term with a slice, the length of the slice counts.

        Raises:
            QueryError: the file is too long; the message has both lengths.
        """
        if info.duration is not None and info.duration > self.seconds:
            raise QueryError(
                f"{term} lasts {info.duration:,.0f} seconds, and a file of a query may last {self.seconds:,.0f}: "
                "select a part of it, such as the slice 0-60"
            )


UNLIMITED = Budget()
