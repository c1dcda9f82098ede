"""ESC-50, all five folds: as nothing is trained, top-1 over all sounds is the mean of the five folds."""

from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import Benchmark, Protocol
from omnisearch_training.benchmarks.declared.esc50 import LAYOUT, PROMPT, SOURCE, folds
from omnisearch_training.datasets import Record


def read(folder: Path, _: Path) -> Iterator[Record]:
    """Read all folds."""
    return folds(folder, set("12345"))


BENCHMARK = Benchmark(
    name="esc50_all",
    title="ESC-50, all folds",
    protocol=Protocol.CLASSIFICATION,
    query=Modality.AUDIO,
    target=Modality.TEXT,
    items=2_000,
    classes=50,
    prompts=PROMPT,
    source=SOURCE,
    layout=LAYOUT,
    read=read,
)
