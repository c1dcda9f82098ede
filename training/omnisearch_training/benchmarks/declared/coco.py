"""COCO: pictures with five captions and a few with more, Karpathy's test split."""

from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import Benchmark, Protocol, table_2
from omnisearch_training.benchmarks.layouts import karpathy
from omnisearch_training.datasets import Record


def read(folder: Path, _: Path) -> Iterator[Record]:
    """Read Karpathy's listing, which names the folder of each picture."""
    return karpathy(folder / "dataset_coco.json", folder)


BENCHMARK = Benchmark(
    name="coco",
    title="COCO (Karpathy's test split)",
    protocol=Protocol.RETRIEVAL,
    query=Modality.IMAGE,
    target=Modality.TEXT,
    items=5_000,
    source=(
        "https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip and "
        "http://images.cocodataset.org/zips/val2014.zip"
    ),
    layout="dataset_coco.json and val2014/",
    read=read,
    published=table_2((56.94, 80.11), (60.08, 82.35), (63.01, 84.41)),
)
