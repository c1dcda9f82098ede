"""STEP, the exchange format of mechanical design, by cascadio. z is up in it."""

from typing import Any

import cascadio

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.objects.mesh import read_parts
from omnisearch.media.objects.parts import Y_FROM_Z_UP, join
from omnisearch.media.surface import Samples, Triangles


def load(source: Source, kind: Kind, notes: list[str]) -> list[Triangles] | Samples:
    """Read the solids as triangles that keep within 1 % of each edge's length.

    Raises:
        MediaError: damaged, or as `join` does.
    """
    content = source.file.read()
    file_type: Any = kind.format
    data = cascadio.load(content, file_type, tol_linear=0.01, tol_relative=True, use_parallel=False)
    if not data:
        raise MediaError(Reason.DAMAGED, f"{kind.format}: no shape in it can be read")
    return join(read_parts(data, "glb", source, notes, Y_FROM_Z_UP))
