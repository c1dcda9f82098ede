"""An index without damage, and comparisons with it."""

from pathlib import Path

import numpy as np

from omnisearch.config import Settings, load_settings
from omnisearch.query.expressions import Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.stores.base import Point
from omnisearch_indexer.session import index_files
from tests.indexer.conftest import points_of, write_good


class Sound:
    """An index without damage, and what it answers."""

    def __init__(self, place: Path, model: Path) -> None:
        self.folder = place / "files"
        self.good = write_good(self.folder)
        self.settings = load_settings(model=str(model), data_dir=place / "data", workers=2)
        assert index_files([self.folder], self.settings).indexed == len(self.good)
        self.points = points_of(self.settings)
        self.answers = answers(self.settings)


def answers(settings: Settings) -> list[list[tuple[str, float]]]:
    queries = [Query(Term("the quick fox"), limit=50), Query(Term("note wav"), limit=50, words=True)]
    with Engine.open(settings) as engine:
        return [[(hit.id, round(hit.score, 5)) for hit in engine.search(query).hits] for query in queries]


def same(one: dict[str, Point], other: dict[str, Point]) -> bool:
    return one.keys() == other.keys() and all(
        point.payload == other[key].payload and np.allclose(point.vector, other[key].vector, rtol=0, atol=1e-6)
        for key, point in one.items()
    )


def is_right(settings: Settings, sound: Sound) -> bool:
    return same(points_of(settings), sound.points) and answers(settings) == sound.answers
