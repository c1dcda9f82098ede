"""Objaverse-LVIS: objects of the 1,156 categories of LVIS, as points."""

from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks import point_arrays
from omnisearch_training.benchmarks.base import Benchmark, Protocol, item, table_3
from omnisearch_training.datasets import Record


def read(folder: Path, work: Path) -> Iterator[Record]:
    """Read Uni3D's listing; the points of each object are a file of their own."""
    names = point_arrays.labels(folder, "objaverse_lvis_openshape")
    home = folder / "test_datasets/objaverse_lvis"
    for number, category, key, source in point_arrays.listed(home, home / "lvis_testset.txt"):
        path = source
        if source.is_file():
            found = point_arrays.load_objects(source)
            path = point_arrays.write_points(work / f"{key}.npy", found["xyz"], found["rgb"], source)
        yield item(key, [names[number]], {Modality.POINT_CLOUD: path}, category)


BENCHMARK = Benchmark(
    name="objaverse_lvis",
    title="Objaverse-LVIS",
    protocol=Protocol.CLASSIFICATION,
    query=Modality.POINT_CLOUD,
    target=Modality.TEXT,
    items=46_832,
    classes=1_156,
    prompts=point_arrays.templates,
    source=point_arrays.SOURCE,
    layout="labels.json, templates.json and test_datasets/objaverse_lvis/",
    read=read,
    published=table_3((53.30, 81.85), (53.97, 82.90), (58.13, 81.76)),
    note=(
        "The 58.13 of OmniBind-Full may be 53.13: it is hard to read. These objects are among those that the paper and "
        "Uni3D train with."
    ),
)
