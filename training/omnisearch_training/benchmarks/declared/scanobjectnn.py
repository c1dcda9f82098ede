"""ScanObjectNN: scans of objects in rooms, of 15 classes, as points without colours."""

from collections.abc import Iterator
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.benchmarks import point_arrays
from omnisearch_training.benchmarks.base import Benchmark, Protocol, table_3
from omnisearch_training.datasets import Record

GREY = 0.4  # Uni3D's colour of points without one


def read(folder: Path, work: Path) -> Iterator[Record]:
    """Read one file with the points and classes of all objects."""
    source = folder / "test_datasets/scanobjectnn/xyz_label.npy"
    names, found = point_arrays.labels(folder, "scanobjnn_openshape"), point_arrays.load_objects(source)
    for row, (points, label) in enumerate(zip(found["xyz"], found["label"], strict=True)):
        path = point_arrays.write_points(work / f"{row:05}.npy", points, GREY, source)
        yield point_arrays.classified(path, str(int(label)), names[int(label)])


BENCHMARK = Benchmark(
    name="scanobjectnn",
    title="ScanObjectNN",
    protocol=Protocol.CLASSIFICATION,
    query=Modality.POINT_CLOUD,
    target=Modality.TEXT,
    items=2_890,
    classes=15,
    prompts=point_arrays.templates,
    source=point_arrays.SOURCE,
    layout="labels.json, templates.json and test_datasets/scanobjectnn/xyz_label.npy",
    read=read,
    published=table_3((57.79, 89.76), (64.67, 94.15), (64.60, 95.53)),
)
