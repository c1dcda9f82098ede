"""The points of a 3D file, and a measure of how alike two point sets are."""

import io
import os
import warnings
from pathlib import Path

import numpy as np

from omnisearch.media.detect import detect
from omnisearch.media.file import MAX_SIBLING_BYTES, Source, open_below
from omnisearch.media.library_errors import as_media_error
from omnisearch.media.objects import load
from omnisearch.media.point_cloud import dense
from omnisearch.media.surface import Samples


def decoded(path: Path) -> tuple[np.ndarray, list[str]]:
    """The dense points of a file, float32 (n, 3), and the notes."""
    notes: list[str] = []
    return samples(path, notes).points, notes


def samples(path: Path, notes: list[str] | None = None) -> Samples:
    """The dense samples of a file, read in this process; siblings are found as the pool finds them."""

    def sibling(name: str, most: int = MAX_SIBLING_BYTES) -> bytes | None:
        fd = open_below(path.parent, name)
        if fd is None:
            return None
        with os.fdopen(fd, "rb") as file:
            return file.read()

    data = path.read_bytes()
    source = Source(io.BytesIO(data), len(data), path.name, sibling)
    kind = detect(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in a decoder
            return dense(load(source, kind, [] if notes is None else notes))
    except Exception as error:
        raise as_media_error(error, kind) from error


def likeness(a: np.ndarray, b: np.ndarray, cells: int = 10) -> float:
    """The cosine of two soft occupancy grids over the unit ball: 1 for one surface, less for a turned one."""
    return float(_grid(a, cells) @ _grid(b, cells))


def _grid(points: np.ndarray, cells: int) -> np.ndarray:
    place = (points + 1) / 2 * (cells - 1)
    low = np.floor(place).astype(int).clip(0, cells - 2)
    parts = np.stack([low + 1 - place, place - low])  # of the lower and of the upper cell, (2, n, 3)
    grid = np.zeros(cells**3)
    for corner in np.ndindex(2, 2, 2):
        x, y, z = (parts[side, :, axis] for axis, side in enumerate(corner))
        at = np.ravel_multi_index(tuple((low + corner).T), (cells,) * 3)
        grid += np.bincount(at, x * y * z, minlength=cells**3)
    flat = np.sqrt(grid)
    return flat / np.linalg.norm(flat)
