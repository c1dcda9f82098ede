"""PCD, the point cloud format of the Point Cloud Library, version 0.7."""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omnisearch.errors import MediaError, Reason
from omnisearch.media.objects.parts import MAX_VERTICES, check_counts, check_share

_HEAD = 1 << 14


def read_pcd(data: bytes, notes: list[str]) -> NDArray[Any]:
    """Points (n, 3), or (n, 6) with colours in [0, 255].

    Raises:
        MediaError: damaged, unsupported_format or too_many_vertices.
    """
    header, start = _header(data)
    count = int(header["POINTS"][0]) if "POINTS" in header else int(header["WIDTH"][0]) * int(header["HEIGHT"][0])
    if not 0 <= count <= MAX_VERTICES:
        check_counts(1, MAX_VERTICES + 1)
    columns = _columns(header)
    kind, body = header["DATA"][0].lower(), data[start:]
    if kind == "ascii":
        rows = _ascii(body, columns)
    elif kind == "binary":
        rows = np.frombuffer(body, columns, min(count, len(body) // columns.itemsize))
    elif kind == "binary_compressed":
        rows = _compressed(body, columns, count)
    else:
        raise MediaError(Reason.UNSUPPORTED_FORMAT, f"PCD data of kind {kind!r}")
    check_share(min(len(rows), count), count, "points", notes)
    return _values(rows[:count])


def _header(data: bytes) -> tuple[dict[str, list[str]], int]:
    header: dict[str, list[str]] = {}
    start = 0
    while "DATA" not in header:
        end = data.find(b"\n", start, _HEAD)
        if end < 0:
            raise MediaError(Reason.DAMAGED, "pcd: its header is cut off")
        words = data[start:end].decode("latin-1").split()
        start = end + 1
        if words and not words[0].startswith("#"):
            header[words[0].upper()] = words[1:]
    missing = {"FIELDS", "SIZE", "TYPE"} - header.keys()
    if missing or not header["DATA"]:
        raise MediaError(Reason.DAMAGED, f"pcd: its header lacks {', '.join(sorted(missing)) or 'DATA'}")
    return header, start


def _columns(header: dict[str, list[str]]) -> np.dtype[Any]:
    """The type of one point. Fields that are not needed keep their place under a number for a name."""
    names = header["FIELDS"]
    counts = header.get("COUNT", ["1"] * len(names))
    try:
        fields = [
            (name if name in ("x", "y", "z", "rgb", "rgba") else f"{index}", f"<{kind.lower()}{size}", (int(count),))
            for index, (name, size, kind, count) in enumerate(
                zip(names, header["SIZE"], header["TYPE"], counts, strict=True)
            )
        ]
        columns = np.dtype([(name, code) if shape == (1,) else (name, code, shape) for name, code, shape in fields])
    except (ValueError, TypeError) as error:
        raise MediaError(Reason.DAMAGED, "pcd: its header describes no known fields") from error
    if not {"x", "y", "z"} <= set(columns.names or ()):
        raise MediaError(Reason.NO_VERTICES, f"pcd: its fields are {' '.join(names)}"[:100])
    return columns


def _ascii(body: bytes, columns: np.dtype[Any]) -> NDArray[Any]:
    names = columns.names or ()
    width = sum(_count(columns[name]) for name in names)
    words = body.split()
    words = words[: len(words) // width * width]
    table = np.array(words, dtype="S32").reshape(-1, width)
    rows, at = np.zeros(len(table), columns), 0
    for name in names:
        code, size = columns[name].base, _count(columns[name])
        try:
            rows[name] = table[:, at].astype(np.float64).astype(code) if size == 1 else 0
        except ValueError as error:
            raise MediaError(Reason.DAMAGED, "pcd: a value is not a number") from error
        at += size
    return rows


def _count(column: np.dtype[Any]) -> int:
    return int(np.prod(column.shape, dtype=int))


def _compressed(body: bytes, columns: np.dtype[Any], count: int) -> NDArray[Any]:
    """All values of one field follow all of the field before it."""
    if len(body) < 8:
        raise MediaError(Reason.DAMAGED, "pcd: it ends too early")
    packed, size = struct.unpack_from("<2I", body)
    if size != count * columns.itemsize or packed > len(body) - 8:
        raise MediaError(Reason.DAMAGED, f"pcd: {packed} of {len(body) - 8} bytes promise {size} for {count} points")
    plain, rows, at = unpack_lzf(body[8 : 8 + packed], size), np.zeros(count, columns), 0
    for name in columns.names or ():
        length = count * columns[name].itemsize
        rows[name] = np.frombuffer(plain[at : at + length], columns[name].base).reshape(rows[name].shape)
        at += length
    return rows


def unpack_lzf(data: bytes, size: int) -> bytes:
    """Decompress LZF (M. Lehmann, LibLZF): runs of literal bytes and copies of earlier ones.

    Raises:
        MediaError: damaged, if it does not unpack to exactly `size` bytes.
    """
    out, at = bytearray(), 0
    try:
        while at < len(data) and len(out) <= size:
            control = data[at]
            at += 1
            if control < 32:
                out += data[at : at + control + 1]
                at += control + 1
                continue
            length = control >> 5
            if length == 7:
                length += data[at]
                at += 1
            start = len(out) - ((control & 0x1F) << 8) - data[at] - 1
            at += 1
            if start < 0:
                break
            length += 2
            piece = out[start : start + length]
            out += (piece * (length // len(piece) + 1))[:length]  # a copy may reach into what it writes
    except (IndexError, ZeroDivisionError):
        out.clear()
    if len(out) != size:
        raise MediaError(Reason.DAMAGED, "pcd: its compressed data are broken")
    return bytes(out)


def _values(rows: NDArray[Any]) -> NDArray[Any]:
    points = np.stack([rows[axis].astype(np.float64) for axis in "xyz"], axis=1)
    name = next((name for name in ("rgb", "rgba") if name in (rows.dtype.names or ())), None)
    if name is None or rows.dtype[name].itemsize != 4:
        return points
    packed = np.ascontiguousarray(rows[name]).view(np.uint32)  # 0x00RRGGBB, also where its type says float
    colors = np.stack([packed >> 16 & 255, packed >> 8 & 255, packed & 255], axis=1)
    return np.concatenate([points, colors.astype(np.float64)], axis=1)
