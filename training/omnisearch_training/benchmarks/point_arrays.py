"""The 3D test sets of Uni3D: pickled arrays of points, class names and templates, as its repository lays them out."""

import os
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from omnisearch.types import Floats, Modality
from omnisearch_training.benchmarks.base import item
from omnisearch_training.benchmarks.layouts import read_json
from omnisearch_training.datasets import Record

SOURCE = (
    "https://huggingface.co/BAAI/Uni3D/blob/main/data/test_datasets.zip, and labels.json and templates.json of "
    "https://github.com/baaivision/Uni3D/tree/main/data"
)
# The names that a pickle of arrays and numbers needs. A pickle with another name is not loaded: it could run code.
_ARRAYS = {
    *((module, name) for module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray") for name in (
        "ndarray", "dtype", "_reconstruct", "scalar")),
    *((module, "_frombuffer") for module in ("numpy.core.numeric", "numpy._core.numeric")),
    ("_codecs", "encode"),
}  # fmt: skip


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ARRAYS:
            raise ValueError(f"the pickle names {module}.{name}, which arrays of numbers do not need")
        return super().find_class(module, name)


def load_objects(path: Path) -> Any:
    """Read an .npy file of objects: arrays, and lists and dictionaries of them.

    Raises:
        ValueError: it is not such a file, or names something else.
        FileNotFoundError: it is missing.
    """
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        if not dtype.hasobject:
            raise ValueError(f"{path} is an array of {dtype}, not of objects")
        return _unpickle(file, shape)


def write_points(path: Path, points: Floats, colors: Floats | float, source: Path) -> Path:
    """Write points (n, 3) with colours in [0, 1] as a file that decoders read, with the time of its source.

    A file with this time is used again. One of another copy, or of an interrupted run, has another time.
    """
    time = source.stat().st_mtime_ns
    if not path.is_file() or path.stat().st_mtime_ns != time:
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = np.empty((len(points), 6), np.float32)
        rows[:, :3], rows[:, 3:] = points, colors
        np.save(path, rows)
        os.utime(path, ns=(time, time))
    return path


def labels(folder: Path, key: str) -> list[str]:
    """Return the class names of one of Uni3D's test sets."""
    names: list[str] = read_json(folder / "labels.json")[key]
    return names


def templates(folder: Path) -> Sequence[str]:
    """Return Uni3D's 64 templates."""
    found: list[str] = read_json(folder / "templates.json")["modelnet40_64"]
    return found


def classified(path: Path, key: str, name: str) -> Record:
    """Return an object with its class."""
    return item(path.stem, [name], {Modality.POINT_CLOUD: path}, group=key)


def _unpickle(file: IO[bytes], shape: tuple[int, ...]) -> Any:
    found = _ArraysOnly(file).load()
    return found.item() if shape == () else found


def listed(folder: Path, lines: Path) -> Iterator[tuple[int, str, str, Path]]:
    """Yield class, class name, name and file of each line of Uni3D's listing of Objaverse."""
    for line in lines.read_text(encoding="utf-8").splitlines():
        if line.strip():
            number, category, key, place = line.strip().split(",")
            yield int(number), category, key, folder / place.lstrip("/")
