"""Locating: when in a sound, a video or a text, or where in a picture, a query matches. No index is needed.

The paper's localization by any query (OmniBind, section 4.4): a crop or a stretch is embedded like any item, so
whatever can be asked for can be pointed at. The windows are expression as segments are (algebra.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from omnisearch.config import Settings
from omnisearch.errors import MediaError, QueryError
from omnisearch.media.pool import DecoderPool
from omnisearch.query.expressions import Expression, Sum, Then
from omnisearch.search.index import QueryContext
from omnisearch.search.locate.nms import Window, non_maximum_suppression, overlap
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

# Relevance from which on a window is more likely a match than not.
MATCHES = 0.5
TIMED = (Modality.AUDIO, Modality.VIDEO)


class Locator:
    """Points at what a query means. One file is decoded at a time, by a process of its own; any thread may ask."""

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
        """Find up to `limit` places of the file at `path` that match; what scores mean is what they mean to the index.

        `name` is what errors call the file.

        Raises:
            QueryError: terms cancel out, the file is a 3D model, THEN is asked of what has no time, or a file among
                the terms is longer than the budget allows.
            MediaError: a file cannot be read.
            NoIndexError: a term is an item, and there is no index.
            NotFoundError: an item term is not in the index.
            StoppedError: the budget says so.
        """
        embedded = self._embedder.embed(index, query.terms, budget=budget)
        leaves = {total: query_vector(total, embedded) for total in query.leaves}
        try:
            looked = self._look(index, query, path, budget.stopped)
        except MediaError as error:
            raise error.about(name) from None
        return find_locations(index, looked, query, leaves, limit)

    def _look(self, index: QueryContext, query: Expression, path: Path, stopped: Callable[[], bool]) -> ScoredWindows:
        decoded = self._pool.decode(path, stopped=stopped)
        try:
            if _in_order(query) and decoded.info.modality not in TIMED:
                raise QueryError(
                    f"THEN asks what comes first in a sound or a video, and the file is {decoded.info.modality}: "
                    f"ask with AND what lies in one place"
                )
            return score_windows(index.model, decoded, self._batch, stopped)
        finally:
            decoded.pieces.close()  # type: ignore[attr-defined]  # its error may be held for long, the decoder not


def find_locations(
    index: QueryContext, looked: ScoredWindows, query: Expression, leaves: Mapping[Sum, QueryVector], limit: int = 5
) -> Located:
    """Find up to `limit` places that match among the windows of a file; see `Locator.locate`."""
    scores: dict[Sum, Floats] = {total: looked.vectors @ each.vector for total, each in leaves.items()}
    odds = {
        total: index.calibration(each.vector, each.shares, looked.modality).odds(scores[total])
        for total, each in leaves.items()
    }
    runs = [slice(0, len(looked.windows))] if looked.modality in TIMED else []
    expression = score_expression(query, odds, runs, overlap(looked.windows))
    rows = [
        row
        for row in non_maximum_suppression(looked.windows, expression.odds.tolist())
        if expression.odds[row] > -np.inf
    ]
    places = [_place(looked, expression, scores, odds, row) for row in rows]
    found = places if _in_order(query) else _joined(places)
    return Located(looked.modality, tuple(found[:limit]), len(looked.windows))


def _place(
    looked: ScoredWindows,
    expression: ScoredExpression,
    scores: Mapping[Sum, Floats],
    odds: Mapping[Sum, Odds],
    row: int,
) -> Location:
    """Return the location of one window; of THEN, from the first moment that matched to this last one."""
    first, last = looked.windows[int(expression.first[row])], looked.windows[row]
    at = looked.view.place(Window(last.top, min(first.left, last.left), last.bottom, last.right))
    parts = tuple(
        LocationPart(
            str(total),
            looked.view.place(looked.windows[where]),
            float(scores[total][where]),
            relevance(float(odds[total][where])),
        )
        for total, where in decisive_leaves(expression, row)
    )
    return Location(at, score_at(scores, expression, row), relevance(float(expression.odds[row])), parts)


def _in_order(query: Expression) -> bool:
    """Whether there is a THEN in it. What it finds is an order of moments, and two of them are not one longer one."""
    return isinstance(query, Then) or any(_in_order(operand) for operand in query.operands)


def _joined(places: list[Location]) -> list[Location]:
    """Join stretches that touch where each matches, as windows of something long do; the best speaks for all."""
    by_index = {place.at.index: place for place in places if isinstance(place.at, Segment)}
    sure = [(p.at, p.relevance) for p in places if isinstance(p.at, Segment) and p.relevance >= MATCHES]
    joined = [replace(by_index[segment.index], at=segment) for segment, _ in merge_segments(sure)]
    return joined + [p for p in places if not isinstance(p.at, Segment) or p.relevance < MATCHES]
