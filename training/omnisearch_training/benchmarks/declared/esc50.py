"""ESC-50: environmental sounds of 50 classes, the first of its five folds, as the paper has it."""

from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import Benchmark, Protocol, item, one_prompt, table_3
from omnisearch_training.benchmarks.layouts import read_table
from omnisearch_training.datasets import Record

SOURCE = "https://github.com/karolpiczak/ESC-50/archive/master.zip"
LAYOUT = "meta/esc50.csv and audio/"
PROMPT = one_prompt("This is a sound of {}")


def read(folder: Path, _: Path) -> Iterator[Record]:
    """Read the first fold."""
    return folds(folder, {"1"})


def folds(folder: Path, wanted: set[str]) -> Iterator[Record]:
    """Read some folds."""
    for row in read_table(folder / "meta/esc50.csv"):
        if row["fold"] in wanted:
            kind = row["category"]
            sound = folder / "audio" / row["filename"]
            yield item(row["filename"], [kind.replace("_", " ")], {Modality.AUDIO: sound}, kind)


BENCHMARK = Benchmark(
    name="esc50",
    title="ESC-50, fold 1",
    protocol=Protocol.CLASSIFICATION,
    query=Modality.AUDIO,
    target=Modality.TEXT,
    items=400,
    classes=50,
    prompts=PROMPT,
    source=SOURCE,
    layout=LAYOUT,
    read=read,
    published=table_3((92.90, 99.75), (93.25, 99.80), (94.55, 99.90)),
)
