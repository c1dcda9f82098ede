"""UrbanSound8K: sounds of a city, of ten classes, in clips of at most four seconds."""

from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import Benchmark, Protocol, item, one_prompt
from omnisearch_training.benchmarks.layouts import read_table
from omnisearch_training.datasets import Record


def read(folder: Path, _: Path) -> Iterator[Record]:
    """Read all folds, because nothing is trained."""
    for row in read_table(folder / "metadata/UrbanSound8K.csv"):
        kind, name = row["class"], row["slice_file_name"]
        sound = folder / "audio" / f"fold{row['fold']}" / name
        yield item(name, [kind.replace("_", " ")], {Modality.AUDIO: sound}, kind)


BENCHMARK = Benchmark(
    name="urbansound8k",
    title="UrbanSound8K",
    protocol=Protocol.CLASSIFICATION,
    query=Modality.AUDIO,
    target=Modality.TEXT,
    items=8_732,
    classes=10,
    prompts=one_prompt("This is a sound of {}"),
    source="https://urbansounddataset.weebly.com/urbansound8k.html",
    layout="metadata/UrbanSound8K.csv and audio/fold1/ to audio/fold10/",
    read=read,
)
