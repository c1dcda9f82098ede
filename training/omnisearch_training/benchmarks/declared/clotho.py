"""Clotho v2: sounds of Freesound and captions, the evaluation split."""

from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import Benchmark, Protocol, item, table_2
from omnisearch_training.benchmarks.layouts import read_table
from omnisearch_training.datasets import Record


def read(folder: Path, _: Path) -> Iterator[Record]:
    """Read the captions of the evaluation split."""
    for row in read_table(folder / "clotho_captions_evaluation.csv"):
        captions = [row[f"caption_{i}"] for i in range(1, 6)]
        yield item(row["file_name"], captions, {Modality.AUDIO: folder / "evaluation" / row["file_name"]})


BENCHMARK = Benchmark(
    name="clotho",
    title="Clotho v2",
    protocol=Protocol.RETRIEVAL,
    query=Modality.AUDIO,
    target=Modality.TEXT,
    items=1_045,
    source="https://zenodo.org/records/4783391",
    layout="clotho_captions_evaluation.csv and evaluation/",
    read=read,
    published=table_2((20.94, 46.77), (23.07, 49.67), (23.22, 49.36)),
    note="WavCaps reads the first ten seconds. One of its checkpoints is fine-tuned on the train split of Clotho.",
)
