"""Locating: find where in a sound, a video, a text or a picture a query matches. No index is needed.

This is the localization by any query of OmniBind (section 4.4): crops and stretches of a file are embedded like items,
so every query can be located. Windows are scored like segments (rank/algebra.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from omnisearch.config import Settings
from omnisearch.errors import MediaError, QueryError
from omnisearch.media.pool import DecoderPool
from omnisearch.query.expressions import Expression, Sum, Summand, Then
from omnisearch.search.index import QueryContext
from omnisearch.search.locate.nms import Window, non_maximum_suppression, overlap
from omnisearch.search.locate.readings import find_words
from omnisearch.search.locate.results import Located, Location, LocationPart
from omnisearch.search.locate.windows import ScoredWindows, in_blocks, score_windows
from omnisearch.search.plan.budget import UNLIMITED, Budget
from omnisearch.search.plan.compose import QueryVector, query_vector
from omnisearch.search.plan.embed import Embedder
from omnisearch.search.present.explanation import decisive_leaves, score_at
from omnisearch.search.present.merge_segments import merge_segments
from omnisearch.search.rank.algebra import Odds, ScoredExpression, score_expression
from omnisearch.search.rank.calibration import relevance
from omnisearch.types import Floats, Modality, Segment

# At this relevance a window is as likely a match as not.
MATCHES = 0.5
TIMED = (Modality.AUDIO, Modality.VIDEO)


class Locator:
    """Locates queries in files. Decodes one file at a time in a separate process. Safe to use from several threads."""

    def __init__(self, embedder: Embedder, settings: Settings) -> None:
        self._embedder, self._batch = embedder, settings.batch_size
        self._pool = DecoderPool(in_blocks(settings), workers=1)

    def close(self) -> None:
        """Stop the decoder."""
        self._pool.close()

    def __enter__(self) -> "Locator":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def locate(
        self,
        index: QueryContext,
        query: Expression,
        path: Path,
        limit: int = 5,
        budget: Budget = UNLIMITED,
        name: str = "",
    ) -> Located:
        """Find up to `limit` locations that match in the file at `path`. Scores are calibrated as in the index.

        Errors show `name` instead of the path.

        Raises:
            QueryError: terms cancel out, the file is a 3D model, THEN is used on a file without time, or a file among
                the terms is longer than the budget allows.
            MediaError: a file cannot be read.
            NoIndexError: a term is an item, and there is no index.
            NotFoundError: an item term is not in the index.
            StoppedError: the budget's `stopped()` became true.
        """
        embedded = self._embedder.embed(index, query.terms, budget=budget)
        leaves = {total: query_vector(total, embedded) for total in query.leaves}
        try:
            windows = self._score(index, query, path, budget.stopped)
        except MediaError as error:
            raise error.about(name) from None
        return _with_words(find_locations(index, windows, query, leaves, limit), index, query, path, limit)

    def _score(self, index: QueryContext, query: Expression, path: Path, stopped: Callable[[], bool]) -> ScoredWindows:
        decoded = self._pool.decode(path, stopped=stopped)
        try:
            if _in_order(query) and decoded.info.modality not in TIMED:
                raise QueryError(
                    f"THEN needs a sound or a video, and the file is {decoded.info.modality}: use AND instead"
                )
            return score_windows(index.model, decoded, self._batch, stopped)
        finally:
            decoded.pieces.close()  # type: ignore[attr-defined]  # frees the decoder, even if the error is kept


def _with_words(found: Located, index: QueryContext, query: Expression, path: Path, limit: int) -> Located:
    """Add the locations of the words of a sum that were read in the file when it was indexed."""
    if not isinstance(query, Summand):
        return found
    (total,) = query.leaves
    places = sorted((*find_words(total, index.readings(path)), *found.places), key=lambda place: -place.relevance)
    return replace(found, places=tuple(places[:limit]))


def find_locations(
    index: QueryContext, scored: ScoredWindows, query: Expression, leaves: Mapping[Sum, QueryVector], limit: int = 5
) -> Located:
    """Find up to `limit` locations that match among the windows of a file; see `Locator.locate`."""
    scores: dict[Sum, Floats] = {total: scored.vectors @ each.vector for total, each in leaves.items()}
    odds = {
        total: index.calibration(each.vector, each.shares, scored.modality).odds(scores[total])
        for total, each in leaves.items()
    }
    runs = [slice(0, len(scored.windows))] if scored.modality in TIMED else []
    expression = score_expression(query, odds, runs, overlap(scored.windows))
    rows = [
        row
        for row in non_maximum_suppression(scored.windows, expression.odds.tolist())
        if expression.odds[row] > -np.inf
    ]
    locations = [_location(scored, expression, scores, odds, row) for row in rows]
    found = locations if _in_order(query) else _merged(locations)
    return Located(scored.modality, tuple(found[:limit]), len(scored.windows))


def _location(
    scored: ScoredWindows,
    expression: ScoredExpression,
    scores: Mapping[Sum, Floats],
    odds: Mapping[Sum, Odds],
    row: int,
) -> Location:
    """Return the location of a window. For THEN it begins with the first moment and ends with this window."""
    first, last = scored.windows[int(expression.first[row])], scored.windows[row]
    at = scored.view.place(Window(last.top, min(first.left, last.left), last.bottom, last.right))
    parts = tuple(
        LocationPart(
            str(total),
            scored.view.place(scored.windows[where]),
            float(scores[total][where]),
            relevance(float(odds[total][where])),
        )
        for total, where in decisive_leaves(expression, row)
    )
    return Location(at, score_at(scores, expression, row), relevance(float(expression.odds[row])), parts)


def _in_order(query: Expression) -> bool:
    """Return whether a query contains THEN. It matches sequences of moments, and two sequences are never merged."""
    return isinstance(query, Then) or any(_in_order(operand) for operand in query.operands)


def _merged(locations: list[Location]) -> list[Location]:
    """Merge matching stretches that touch: a long event matches in several windows. The best one gives the scores."""
    by_index = {found.at.index: found for found in locations if isinstance(found.at, Segment)}
    sure = [(p.at, p.relevance) for p in locations if isinstance(p.at, Segment) and p.relevance >= MATCHES]
    merged = [replace(by_index[segment.index], at=segment) for segment, _ in merge_segments(sure)]
    return merged + [p for p in locations if not isinstance(p.at, Segment) or p.relevance < MATCHES]
