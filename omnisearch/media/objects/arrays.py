"""Points as numbers: NumPy arrays, text with a point on each line, PCD."""

import re
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.objects.encoding import read_text
from omnisearch.media.objects.parts import MAX_VERTICES, Y_FROM_Z_UP, MeshPart, check_counts, join
from omnisearch.media.objects.pcd import read_pcd
from omnisearch.media.surface import Samples, Triangles

_POINT = re.compile(r"^\s*[-+.\d]")


def load(source: Source, kind: Kind, notes: list[str]) -> list[Triangles] | Samples:
    """Read points, with colours if there are six columns or the PCD has them. XYZ and PCD are z-up.

    Raises:
        MediaError: object_dtype, bad_shape, or as `join` and `read_pcd` do.
    """
    matrix = np.eye(4)
    if kind.format == "npz":
        values = _from_npz(source)
    elif kind.format == "npy":
        values = _read_npy(source.file, source.size)
    else:
        matrix = Y_FROM_Z_UP
        read = _read_xyz if kind.format == "xyz" else read_pcd
        values = read(source.file.read(), notes)
    check_counts(1, len(values))
    if not np.isfinite(values).all():
        values = _finite(values, kind, notes)
    return join([MeshPart(values[:, :3], matrix=matrix, colors=_colors(values[:, 3:]))])


def _finite(values: Any, kind: Kind, notes: list[str]) -> Any:
    """The rows with finite coordinates: depth cameras write NaN into a PCD for pixels without depth."""
    seen = np.isfinite(values).all(axis=1)
    if kind.format != "pcd" or not seen.any():
        raise MediaError(Reason.NON_FINITE, "a value is not a finite number")
    notes.append(f"{(~seen).sum():,} of {len(seen):,} points without coordinates left out")
    return values[seen]


def _colors(values: Any) -> Any:
    if values.shape[1] == 0:
        return None
    colors = values.astype(np.float32)
    if colors.max() > 2:  # a little over 1 is rounding, not a byte
        colors = colors / 255
    return colors.clip(0, 1)


def _read_xyz(data: bytes, notes: list[str]) -> NDArray[np.float64]:
    """x y z, and r g b as the last three of six or seven columns; other columns and header lines are ignored."""
    lines = [line for line in re.sub("[,;]", " ", read_text(data, notes)).splitlines() if _POINT.match(line)]
    if len(lines) > 1 and len(lines[0].split()) == 1:
        lines = lines[1:]  # a count
    columns = len(lines[0].split()) if lines else 0
    if columns < 3:
        raise MediaError(Reason.DAMAGED, "xyz: its lines hold fewer than three numbers")
    check_counts(1, len(lines))
    try:
        colors = range(columns - 3, columns) if columns in (6, 7) else ()
        values = np.loadtxt(lines, np.float64, usecols=(0, 1, 2, *colors), ndmin=2)
    except ValueError as error:
        raise MediaError(Reason.DAMAGED, "xyz: its lines do not all hold the same numbers") from error
    return values


def _from_npz(source: Source) -> Any:
    with zipfile.ZipFile(source.file) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
        if not entries:
            raise MediaError(Reason.BAD_SHAPE, "no array in the archive")
        names = [entry.filename.removesuffix(".npy") for entry in entries]
        entry = next((e for e, n in zip(entries, names, strict=True) if n in ("points", "xyz", "pc")), entries[0])
        with archive.open(entry) as file:
            return _read_npy(file, entry.file_size)


def _read_npy(file: Any, size: int) -> Any:
    """Read an array after a check of its header against the file size; object arrays are never read."""
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise MediaError(Reason.BAD_SHAPE, f"npy version {version}")
    shape, fortran, dtype = readers[version](file, max_header_size=10_000)
    if dtype.hasobject:
        raise MediaError(Reason.OBJECT_DTYPE, "arrays of Python objects are not supported")
    if dtype.kind not in "fiu" or len(shape) != 2 or shape[1] not in (3, 6):
        raise MediaError(Reason.BAD_SHAPE, f"{dtype} {shape}, expected numbers (n, 3) or (n, 6)")
    if shape[0] > MAX_VERTICES:
        raise MediaError(Reason.TOO_MANY_VERTICES, f"{shape[0]} points, the limit is {MAX_VERTICES}")
    length = shape[0] * shape[1] * dtype.itemsize
    data = file.read(length) if length <= size else b""
    if len(data) != length:
        raise MediaError(Reason.BAD_SHAPE, f"the header promises {length} bytes, the file has {size}")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
