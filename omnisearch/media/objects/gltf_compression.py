"""Decompress the geometry of glTF files: Draco by DracoPy, meshoptimizer's codecs by meshopt."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from omnisearch.errors import MediaError, Reason

MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")
_READABLE = {np.dtype(each) for each in (np.int8, np.uint8, np.int16, np.uint16, np.uint32, np.float32)}


def meshopt_bytes(data: bytes, view: dict[str, Any]) -> bytes:
    """The bytes of a buffer view that meshoptimizer packed.

    Raises:
        MediaError: damaged.
    """
    import meshopt

    size = view["count"], view["byteStride"]
    try:
        rows = meshopt.decode_gltf_buffer(data, *size, view.get("mode"), view.get("filter", "NONE"))
    except (ValueError, RuntimeError) as error:
        raise MediaError(Reason.DAMAGED, f"glTF, {MESHOPT[0]}: {error}") from error
    return np.ascontiguousarray(rows).tobytes()


def draco_arrays(data: bytes, names: dict[str, int]) -> tuple[dict[str, NDArray[Any]], NDArray[Any] | None]:
    """The attributes of a primitive by name, each (n, k), and its faces (f, 3); None for a point cloud.

    Raises:
        MediaError: damaged.
    """
    import DracoPy

    try:
        decoded = DracoPy.decode(data)
    except Exception as error:  # DracoPy raises undocumented classes
        raise MediaError(Reason.DAMAGED, "glTF, KHR_draco_mesh_compression: its compressed data are broken") from error
    by_id = {each["unique_id"]: np.asarray(each["data"]) for each in decoded.attributes}
    arrays = {name: _readable(by_id[number]) for name, number in names.items() if number in by_id}
    if "POSITION" not in arrays:
        raise MediaError(Reason.DAMAGED, "glTF, KHR_draco_mesh_compression: no positions")
    faces = getattr(decoded, "faces", None)
    return arrays, faces


def _readable(array: NDArray[Any]) -> NDArray[Any]:
    rows = array.reshape(len(array), -1)
    return rows if rows.dtype in _READABLE else rows.astype(np.float32)
