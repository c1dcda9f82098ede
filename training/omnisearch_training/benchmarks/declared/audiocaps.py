"""AudioCaps: sounds of YouTube and captions, the test clips that WavCaps lists."""

from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import Benchmark, Protocol, item, table_2
from omnisearch_training.benchmarks.layouts import files_by_stem, read_json
from omnisearch_training.datasets import Record


def read(folder: Path, _: Path) -> Iterator[Record]:
    """Read WavCaps' listing; the name of a clip is its YouTube id after a Y."""
    sounds = files_by_stem(folder / "audio")
    for row in read_json(folder / "test.json")["data"]:
        stem = Path(row["id"]).stem
        path = sounds.get(stem) or sounds.get(stem.removeprefix("Y"), folder / "audio" / row["id"])
        yield item(row["id"], [row[f"caption_{i}"] for i in range(1, 6)], {Modality.AUDIO: path})


BENCHMARK = Benchmark(
    name="audiocaps",
    title="AudioCaps",
    protocol=Protocol.RETRIEVAL,
    query=Modality.AUDIO,
    target=Modality.TEXT,
    items=957,
    source=(
        "test.json of https://github.com/XinhaoMei/WavCaps/tree/master/retrieval/data/AudioCaps/json_files, and the "
        "clips of https://github.com/cdjkim/audiocaps from YouTube"
    ),
    layout="test.json and audio/Y<youtube id>.wav",
    read=read,
    published=table_2((43.61, 76.02), (47.89, 79.75), (49.28, 80.09)),
    note="The paper's number of clips is not legible. WavCaps and CLAP are trained on other clips of AudioCaps.",
)
