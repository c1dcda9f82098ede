"""ModelNet40: models of 40 classes, the test split, as points in one colour."""

from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks import point_arrays
from omnisearch_training.benchmarks.base import Benchmark, Protocol, table_3
from omnisearch_training.benchmarks.layouts import read_json
from omnisearch_training.datasets import Record


def read(folder: Path, work: Path) -> Iterator[Record]:
    """Read one file with the points of all objects, and the listing of their classes, which has an order of its own."""
    home = folder / "test_datasets/modelnet40"
    order = (home / "modelnet40_shape_names.txt").read_text(encoding="utf-8").split()
    names = dict(zip(order, point_arrays.labels(folder, "modelnet40_openshape"), strict=True))
    source = home / "test_pc.npy"
    for row, (found, about) in enumerate(
        zip(point_arrays.load_objects(source), read_json(home / "test_split.json"), strict=True)
    ):
        path = point_arrays.write_points(work / f"{row:05}.npy", found["xyz"], found["rgb"] / 255, source)
        yield point_arrays.classified(path, about["category"], names[about["category"]])


BENCHMARK = Benchmark(
    name="modelnet40",
    title="ModelNet40",
    protocol=Protocol.CLASSIFICATION,
    query=Modality.POINT_CLOUD,
    target=Modality.TEXT,
    items=2_468,
    classes=40,
    prompts=point_arrays.templates,
    source=point_arrays.SOURCE,
    layout="labels.json, templates.json and test_datasets/modelnet40/",
    read=read,
    published=table_3((82.82, 97.12), (86.55, 99.03), (86.83, 99.03)),
)
