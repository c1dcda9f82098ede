"""Flickr-SoundNet: sounds of films and one frame of each, the pairs of Senocak et al. (CVPR 2018)."""

from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import Benchmark, Protocol, table_2
from omnisearch_training.benchmarks.layouts import same_stems
from omnisearch_training.datasets import Record


def read(folder: Path, _: Path) -> Iterator[Record]:
    """Pair sounds and frames by their names."""
    return same_stems(folder / "audio", folder / "frames")


BENCHMARK = Benchmark(
    name="flickrnet",
    title="Flickr-SoundNet",
    protocol=Protocol.RETRIEVAL,
    query=Modality.AUDIO,
    target=Modality.IMAGE,
    items=5_000,
    source="https://github.com/ardasnck/learning_to_localize_sound_source",
    layout="audio/ and frames/, with the two files of a pair under one name",
    read=read,
    published=table_2((7.67, 21.65), (7.86, 21.78), (8.32, 23.49)),
)
