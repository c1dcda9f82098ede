"""LAS and LAZ, the formats of laser scanners, by laspy. z is up in them."""

import struct
from io import BytesIO
from typing import Any

import laspy
import lazrs
import numpy as np

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.objects.parts import MAX_VERTICES, Y_FROM_Z_UP, MeshPart, check_counts, check_share, join
from omnisearch.media.surface import Samples, Triangles

_CHUNK = 500_000
_RECORDS_AT, _RECORD_BYTES = 100, 54  # the offset of the record count in the header, and the smallest size of a record


def load(source: Source, kind: Kind, notes: list[str]) -> list[Triangles] | Samples:
    """Read the points, thinned evenly to 5 million at most, and their colours.

    Raises:
        MediaError: damaged, or as `join` does.
    """
    points: list[Any] = []
    colors: list[Any] = []
    present = 0
    data = source.file.read()
    _check_records(data, kind)
    try:
        header = laspy.LasHeader.read_from(BytesIO(data))
        promised, step = header.point_count, max(1, -(-header.point_count // MAX_VERTICES))
        if kind.format == "las":  # whole points only
            data = data[: len(data) - (len(data) - header.offset_to_point_data) % header.point_format.size]
        with laspy.open(BytesIO(data)) as reader:
            for chunk in reader.chunk_iterator(_CHUNK):
                present += len(chunk)
                points.append(np.stack([chunk.x[::step], chunk.y[::step], chunk.z[::step]], axis=1))
                if "red" in chunk.point_format.dimension_names:
                    colors.append(np.stack([chunk.red[::step], chunk.green[::step], chunk.blue[::step]], axis=1))
    except (laspy.errors.LaspyException, lazrs.LazrsError, ValueError, RuntimeError, OSError) as error:
        if not points:
            raise MediaError(Reason.DAMAGED, f"{kind.format}: {error}"[:200]) from error
    check_share(present, promised, "points", notes)
    if step > 1:
        notes.append(f"one of {step} points read: {promised:,} are more than {MAX_VERTICES:,}")
    check_counts(1, sum(map(len, points)))
    return join([MeshPart(np.concatenate(points), matrix=Y_FROM_Z_UP, colors=_eight_bit(colors))])


def _check_records(data: bytes, kind: Kind) -> None:
    """Refuse more records than the file has room for: laspy reads as many as the header promises."""
    (records,) = struct.unpack_from("<I", data, _RECORDS_AT)
    if records * _RECORD_BYTES > len(data):
        raise MediaError(Reason.DAMAGED, f"{kind.format}: its header promises {records:,} records before the points")


def _eight_bit(colors: list[Any]) -> Any:
    """Colours in [0, 1]. They have 16 bits; some programs use only the lower eight."""
    if not colors:
        return None
    values = np.concatenate(colors).astype(np.float32)
    top = float(values.max(initial=0))
    return None if top == 0 else values / (255 if top <= 255 else 65535)
