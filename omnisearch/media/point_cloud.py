"""3D objects: points in the unit ball and pictures from all around."""

import zlib
from typing import Any

import numpy as np

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.render import render
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.surface import Samples, sample
from omnisearch.types import Decoded, Floats, MediaInfo, Modality, Piece, PointCloud, Segment

POINTS = 10_000
MIN_POINTS = 16
MAX_POINTS = 5_000_000
DENSE = 400_000


def decode(source: Source, kind: Kind, cut: Segmentation) -> Decoded:  # noqa: ARG001
    """Read a mesh or a point array as 10,000 points and its views.

    Axes are taken as they are: y is up in OBJ and glTF; an STL, OFF or PLY that was made z-up lies on its back.

    Raises:
        MediaError: no_vertices, too_many_vertices, degenerate_extent, non_finite, object_dtype, bad_shape
            or decode_error.
    """
    samples = read(source, kind)
    cloud = PointCloud(*_pick(samples), render(samples))
    return Decoded(MediaInfo(Modality.POINT_CLOUD, kind.mime), iter([Piece(Segment(), cloud)]))


def read(source: Source, kind: Kind) -> Samples:
    """The object as dense samples, centred on their mean and scaled into the unit ball."""
    if kind.format in ("npy", "npz"):
        samples = _array(source, kind)
    else:
        from omnisearch.media.mesh import load

        loaded = load(source, kind.format)
        samples = loaded if isinstance(loaded, Samples) else sample(loaded, DENSE)
    if len(samples.points) < MIN_POINTS:
        raise MediaError(Reason.NO_VERTICES, f"{len(samples.points)} points, the least is {MIN_POINTS}")
    return Samples(_in_unit_ball(samples.points), samples.colors, samples.normals)


def _in_unit_ball(points: Floats) -> Floats:
    centred = points.astype(np.float64)
    centred -= centred.mean(axis=0)
    reach = float(np.linalg.norm(centred, axis=1).max())
    if not np.isfinite(reach):
        raise MediaError(Reason.NON_FINITE, "a coordinate is not a finite number")
    if reach < 1e-12:
        raise MediaError(Reason.DEGENERATE_EXTENT, "all points coincide")
    return (centred / (reach * (1 + 1e-6))).astype(np.float32)


def _pick(samples: Samples) -> tuple[Floats, Floats | None]:
    """10,000 of the samples, drawn by a generator seeded with the points themselves; repeated if there are fewer."""
    count = len(samples.points)
    rng = np.random.default_rng(zlib.crc32(samples.points.tobytes()))
    chosen = rng.permutation(count)[:POINTS]
    if count < POINTS:
        chosen = np.resize(chosen, POINTS)
    points = samples.points[chosen]
    points = _in_unit_ball(points)
    return points, None if samples.colors is None else samples.colors[chosen]


def _array(source: Source, kind: Kind) -> Samples:
    """Points from a float array (n, 3), or (n, 6) with colours in [0, 1] or [0, 255]."""
    values = _from_npz(source) if kind.format == "npz" else _read_npy(source.file, source.size)
    if not np.isfinite(values).all():
        raise MediaError(Reason.NON_FINITE, "a value is not a finite number")
    points = values[:, :3].astype(np.float32)
    if values.shape[1] == 3:
        return Samples(points, None, None)
    colors = values[:, 3:].astype(np.float32)
    if colors.max() > 2:  # a little over 1 is rounding, not a byte
        colors = colors / 255
    return Samples(points, colors.clip(0, 1), None)


def _from_npz(source: Source) -> Any:
    import zipfile

    with zipfile.ZipFile(source.file) as archive:
        entries = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
        if not entries:
            raise MediaError(Reason.BAD_SHAPE, "no array in the archive")
        names = [entry.filename.removesuffix(".npy") for entry in entries]
        entry = next((e for e, n in zip(entries, names, strict=True) if n in ("points", "xyz", "pc")), entries[0])
        with archive.open(entry) as file:
            return _read_npy(file, entry.file_size)


def _read_npy(file: Any, size: int) -> Any:
    """The array after its header was found to promise what the file can hold; object arrays are never read."""
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise MediaError(Reason.BAD_SHAPE, f"npy version {version}")
    shape, fortran, dtype = readers[version](file, max_header_size=10_000)
    if dtype.hasobject:
        raise MediaError(Reason.OBJECT_DTYPE, "an array of Python objects is never read")
    if dtype.kind not in "fiu" or len(shape) != 2 or shape[1] not in (3, 6):
        raise MediaError(Reason.BAD_SHAPE, f"{dtype} {shape}, expected numbers (n, 3) or (n, 6)")
    if shape[0] > MAX_POINTS:
        raise MediaError(Reason.TOO_MANY_VERTICES, f"{shape[0]} points, the limit is {MAX_POINTS}")
    length = shape[0] * shape[1] * dtype.itemsize
    data = file.read(length) if length <= size else b""
    if len(data) != length:
        raise MediaError(Reason.BAD_SHAPE, f"the header promises {length} bytes, the file has {size}")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
