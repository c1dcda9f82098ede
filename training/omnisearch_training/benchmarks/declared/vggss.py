"""VGG-SS: sounds of VGGSound and one frame of each film."""

from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import Benchmark, Protocol, item, table_2
from omnisearch_training.benchmarks.layouts import files_by_stem, read_json
from omnisearch_training.datasets import Record


def read(folder: Path, _: Path) -> Iterator[Record]:
    """Read the listing, whose boxes are not used."""
    sounds, frames = files_by_stem(folder / "audio"), files_by_stem(folder / "frames")
    for row in read_json(folder / "vggss.json"):
        key = row["file"]
        sound = sounds.get(key, folder / "audio" / f"{key}.wav")
        frame = frames.get(key, folder / "frames" / f"{key}.jpg")
        yield item(key, [row["class"]], {Modality.AUDIO: sound, Modality.IMAGE: frame})


BENCHMARK = Benchmark(
    name="vggss",
    title="VGG-SS",
    protocol=Protocol.RETRIEVAL,
    query=Modality.AUDIO,
    target=Modality.IMAGE,
    items=5_158,
    source="https://www.robots.ox.ac.uk/~vgg/research/lvs/",
    layout="vggss.json, audio/ and frames/, with one file of the listed name in each",
    read=read,
    published=table_2((14.11, 35.74), (14.14, 36.07), (15.64, 38.19)),
)
