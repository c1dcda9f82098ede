"""MSR-VTT: films with twenty captions, the full test split."""

from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks.base import Benchmark, Protocol, item, table_2
from omnisearch_training.benchmarks.layouts import files_by_stem, read_json
from omnisearch_training.datasets import Record


def read(folder: Path, _: Path) -> Iterator[Record]:
    """Read the films and sentences of the test split."""
    films, listing = files_by_stem(folder / "videos"), read_json(folder / "test_videodatainfo.json")
    captions: dict[str, list[str]] = {}
    for sentence in listing["sentences"]:
        captions.setdefault(sentence["video_id"], []).append(sentence["caption"])
    for row in listing["videos"]:
        key = row["video_id"]
        yield item(key, captions[key], {Modality.VIDEO: films.get(key, folder / "videos" / f"{key}.mp4")})


BENCHMARK = Benchmark(
    name="msrvtt",
    title="MSR-VTT (full test split)",
    protocol=Protocol.RETRIEVAL,
    query=Modality.VIDEO,
    target=Modality.TEXT,
    items=2_990,
    source="https://www.microsoft.com/en-us/research/publication/msr-vtt-a-large-video-description-dataset-for-bridging-video-and-language/",
    layout="test_videodatainfo.json and videos/",
    read=read,
    published=table_2((24.23, 46.08), (30.05, 52.91), (32.89, 55.76)),
    note="The paper does not state the number of frames. A film is 8 evenly spaced ones here.",
)
