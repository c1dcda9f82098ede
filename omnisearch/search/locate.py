"""Locating: when in a sound, a video or a text, or where in a picture, a query matches. No index is needed.

The paper's localization by any query (OmniBind, section 4.4): a crop or a stretch is embedded like any item, so
whatever can be asked for can be pointed at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import QueryError
from omnisearch.media.pool import DecoderPool
from omnisearch.query import Expression
from omnisearch.search.calibration import relevance
from omnisearch.search.compose import leaf
from omnisearch.search.embed import Embedder
from omnisearch.search.grid import Window, apart
from omnisearch.search.index import Unindexed
from omnisearch.search.looks import Line, Looks, Picture, in_blocks
from omnisearch.search.moments import merged
from omnisearch.types import Content, Decoded, Floats, Modality, Pixels, Region, Segment, Slice, Stretch

# Relevance from which on a window is more likely a match than not.
MATCHES = 0.5
LOCATED = (Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.VIDEO)


@dataclass(frozen=True)
class Place:
    """A part of a file that stands out. `score` and `relevance` are those of the best window within it."""

    at: Segment | Region
    score: float
    relevance: float

    @property
    def slice(self) -> Slice | None:
        """What a term that means this place says after its @; passages of text have no such thing."""
        if isinstance(self.at, Region):
            return self.at
        if self.at.unit == "characters" or self.at.start is None or self.at.end is None:
            return None
        return Stretch(self.at.start, self.at.end)


@dataclass(frozen=True)
class Located:
    """What was found in a file, best first, and how many windows were looked at."""

    modality: Modality
    places: tuple[Place, ...]
    windows: int


@dataclass(frozen=True, eq=False)
class Looked:
    """A file that was looked at: its windows and their vectors (n, dim)."""

    modality: Modality
    view: Picture | Line
    windows: Sequence[Window]
    vectors: Floats


class Locator:
    """Points at what a query means. Files are read by decoder processes; safe to use from one thread at a time."""

    def __init__(self, model: OmniBind, settings: Settings) -> None:
        self._known = Unindexed(model)
        self._batch = settings.batch_size
        self._queries = DecoderPool(settings, workers=1)
        self._pool = DecoderPool(in_blocks(settings), workers=1)
        self._embedder = Embedder(self._queries)

    def close(self) -> None:
        """Stop the decoders."""
        self._queries.close()
        self._pool.close()

    def __enter__(self) -> "Locator":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def locate(self, query: Expression, path: Path, limit: int = 5) -> Located:
        """Find up to `limit` places of the file at `path` that match a sum of terms.

        Raises:
            QueryError: the query is no sum of terms, its terms cancel out, or the file is a 3D model.
            MediaError: a file cannot be read.
            NoIndexError: a term is an item of an index.
        """
        if query.operands:
            raise QueryError(
                "one sum of terms can be located at a time: ask for each part of AND, OR, NOT and THEN alone"
            )
        (total,) = query.leaves
        vector = leaf(total, self._embedder.embed(self._known, total.terms)).vector
        return self.find(self.look(self._pool.decode(path)), vector, limit)

    def look(self, decoded: Decoded) -> Looked:
        """Embed the windows of a file that was decoded in blocks (`in_blocks`); any query can then be found in it.

        Raises:
            QueryError: it is a 3D model.
            MediaError: it cannot be read.
        """
        modality = decoded.info.modality
        if modality not in LOCATED:
            raise QueryError(f"a file of {modality} cannot be searched inside: name {', '.join(LOCATED)}")
        view: Picture | Line = Picture(_pixels(decoded)) if modality is Modality.IMAGE else Line(decoded)
        laid: list[Window] = []
        rows: list[Floats] = []
        for batch in _batches(view.looks(), self._batch):
            laid += [window for window, _ in batch]
            rows.append(self._known.model.encode(modality, [content for _, content in batch]))
        return Looked(modality, view, laid, np.concatenate(rows))

    def find(self, looked: Looked, vector: Floats, limit: int = 5) -> Located:
        """Find the places that match a query vector (dim,); see `locate`."""
        scores = looked.vectors @ vector
        odds = self._known.calibration(vector, looked.modality).odds(scores)
        places = [
            Place(looked.view.place(looked.windows[i]), float(scores[i]), relevance(float(odds[i])))
            for i in apart(looked.windows, odds.tolist())
        ]
        return Located(looked.modality, tuple(_joined(places)[:limit]), len(looked.windows))


def _joined(places: list[Place]) -> list[Place]:
    """Join stretches that touch where each matches, as windows of something long do; the best speaks for all."""
    by_index = {place.at.index: place for place in places if isinstance(place.at, Segment)}
    sure = [(p.at, p.relevance) for p in places if isinstance(p.at, Segment) and p.relevance >= MATCHES]
    joined = [replace(by_index[segment.index], at=segment) for segment, _ in merged(sure)]
    return joined + [p for p in places if not isinstance(p.at, Segment) or p.relevance < MATCHES]


def _pixels(decoded: Decoded) -> Pixels:
    (piece,) = decoded.pieces
    return np.asarray(piece.content, np.uint8)


def _batches(looks: Looks, size: int) -> Iterator[list[tuple[Window, Content]]]:
    while batch := list(islice(looks, size)):
        yield batch
