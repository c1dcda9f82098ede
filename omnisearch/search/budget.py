"""The budget of a query: bounds on the work that its files may cause."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from omnisearch.errors import QueryError, StoppedError
from omnisearch.query import Term
from omnisearch.types import MediaInfo


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Budget:
    """`stopped` is asked now and then whether to give up; `seconds` bounds each sound or video among the terms."""

    stopped: Callable[[], bool] = _never
    seconds: float = math.inf

    def check(self) -> None:
        """Go on only if the question was not stopped.

        Raises:
            StoppedError: it was.
        """
        if self.stopped():
            raise StoppedError("the question was stopped before it was answered")

    def check_length(self, term: Term, info: MediaInfo) -> None:
        """Refuse a sound or a video that is too long; of a term with a slice, the slice counts.

        Raises:
            QueryError: it is too long; the message names both lengths and the way out.
        """
        if info.duration is not None and info.duration > self.seconds:
            raise QueryError(
                f"{term} lasts {info.duration:,.0f} seconds, and a file of a query may last {self.seconds:,.0f}: "
                "name the part that is meant, such as the slice 0-60"
            )


UNLIMITED = Budget()
