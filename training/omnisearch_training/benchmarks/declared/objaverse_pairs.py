"""Objaverse-LVIS: objects and a rendered picture of each."""

import errno
from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import Benchmark, Protocol, table_2
from omnisearch_training.benchmarks.local_copy import MANIFEST
from omnisearch_training.datasets import Record


def read(folder: Path, _: Path) -> Iterator[Record]:
    """Refuse a folder without a manifest: the authors have published no listing of their pairs."""
    raise FileNotFoundError(errno.ENOENT, "no manifest", str(folder / MANIFEST))


BENCHMARK = Benchmark(
    name="objaverse_pairs",
    title="Objaverse-LVIS, pairs of an object and a picture",
    protocol=Protocol.RETRIEVAL,
    query=Modality.POINT_CLOUD,
    target=Modality.IMAGE,
    items=46_205,
    source="https://objaverse.allenai.org, the objects with a category of LVIS, and a rendering of each",
    layout=f"a {MANIFEST} with the id, captions, point_cloud and image of each object",
    read=read,
    published=table_2((34.34, 58.40), (46.09, 69.11), (46.55, 69.92)),
    note="These objects are among the 800,000 that the paper trains with, and among those of Uni3D's checkpoints.",
)
