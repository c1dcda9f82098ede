"""Flickr30K: pictures with five captions, Karpathy's test split."""

from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import Benchmark, Protocol, table_2
from omnisearch_training.benchmarks.layouts import karpathy
from omnisearch_training.datasets import Record


def read(folder: Path, _: Path) -> Iterator[Record]:
    """Read Karpathy's listing."""
    return karpathy(folder / "dataset_flickr30k.json", folder / "flickr30k-images")


BENCHMARK = Benchmark(
    name="flickr30k",
    title="Flickr30K (Karpathy's test split)",
    protocol=Protocol.RETRIEVAL,
    query=Modality.IMAGE,
    target=Modality.TEXT,
    items=1_000,
    source=(
        "https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip and "
        "https://shannon.cs.illinois.edu/DenotationGraph/"
    ),
    layout="dataset_flickr30k.json and flickr30k-images/",
    read=read,
    published=table_2((85.99, 97.02), (87.20, 97.48), (89.12, 98.00)),
)
