"""Indexes of planted vectors, for what is told of an index of real files only by chance."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.search.engine import Engine
from omnisearch.stores.base import Payload, Point
from omnisearch.stores.catalog import open_store
from omnisearch.stores.ids import point_id
from omnisearch.types import Floats, Modality, Segment


def units(random: np.random.Generator, count: int, dim: int) -> Floats:
    """Unrelated directions (count, dim)."""
    rows = random.normal(size=(count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def near(random: np.random.Generator, row: Floats, cosine: float) -> Floats:
    """A unit vector with this cosine to a unit vector (dim,)."""
    other = random.normal(size=row.shape).astype(np.float32)
    other -= (other @ row) * row
    beside = other / np.linalg.norm(other)
    return (cosine * row + np.sqrt(1 - cosine**2) * beside).astype(np.float32)


def item(name: str, rows: Sequence[Floats], modality: Modality = Modality.AUDIO) -> list[Point]:
    """The points of an item; `name` is its id and the end of its path."""
    several = len(rows) > 1
    segments = [Segment(n, 8.0 * n, 8.0 * n + 10, "seconds") if several else Segment() for n in range(len(rows))]
    return [
        Point(
            point_id(name, s),
            row,
            Payload(item_id=name, modality=modality, path=f"/planted/{name}", segment=s, segments=len(rows)),
        )
        for s, row in zip(segments, rows, strict=True)
    ]


@contextmanager
def planted(points: Sequence[Point], model_folder: Path, data_dir: Path) -> Iterator[Engine]:
    """Open an engine over these points."""
    settings = load_settings(data_dir=data_dir, model=str(model_folder), workers=1)
    model = OmniBind.load(settings.model, settings)
    named = {"model": model.name, "dim": model.dim, "fingerprint": model.fingerprint}
    with closing(open_store(settings, **named, create=True)) as store:
        store.upsert(points)
    with Engine.open(settings) as engine:
        yield engine
