"""LAS and LAZ, the formats of laser scanners, by laspy. z is up in them."""

import laspy
import numpy as np

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.objects.parts import MAX_VERTICES, Y_FROM_Z_UP, Part, check_counts, check_share, join
from omnisearch.media.surface import Samples, Triangles

_CHUNK = 500_000


def load(source: Source, kind: Kind, notes: list[str]) -> list[Triangles] | Samples:
    """Read the points, thinned evenly to 5 million at most, and their colours.

    Raises:
        MediaError: damaged, or as `join` does.
    """
    points, colors, promised, present = [], [], 0, 0
    try:
        with laspy.open(source.file, closefd=False) as reader:
            promised = reader.header.point_count
            step = max(1, -(-promised // MAX_VERTICES))
            for chunk in reader.chunk_iterator(_CHUNK):
                present += len(chunk)
                points.append(np.stack([chunk.x[::step], chunk.y[::step], chunk.z[::step]], axis=1))
                if "red" in chunk.point_format.dimension_names:
                    colors.append(np.stack([chunk.red[::step], chunk.green[::step], chunk.blue[::step]], axis=1))
    except (laspy.errors.LaspyException, ValueError, RuntimeError) as error:
        if not points:
            raise MediaError(Reason.DAMAGED, f"{kind.format}: {error}"[:200]) from error
    check_share(present, promised, "points", notes)
    if step > 1:
        notes.append(f"one of {step} points read: {promised:,} are more than {MAX_VERTICES:,}")
    check_counts(1, sum(map(len, points)))
    return join([Part(np.concatenate(points), matrix=Y_FROM_Z_UP, colors=_eight_bit(colors))])


def _eight_bit(colors: list[np.ndarray]) -> np.ndarray | None:
    """Colours in [0, 1]. They have 16 bits, of which some programs use the lower eight."""
    if not colors:
        return None
    values = np.concatenate(colors).astype(np.float32)
    top = float(values.max(initial=0))
    return None if top == 0 else values / (255 if top <= 255 else 65535)
