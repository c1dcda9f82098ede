"""DXF, the exchange format of CAD programs, by ezdxf. z is up in it."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import islice, pairwise
from typing import Any

import numpy as np
from ezdxf import colors as dxf_colors
from ezdxf import disassemble, recover
from ezdxf.lldxf.const import DXFError

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.objects.parts import MAX_VERTICES, Y_FROM_Z_UP, MeshPart, check_counts, join
from omnisearch.media.surface import GREY, Samples, Triangles

_MAX_ENTITIES = 500_000
_CORNERS = {"3DFACE", "SOLID", "TRACE"}
_BY_LAYER = (0, 256, 257)  # colour numbers that stand for the block's or the layer's colour


def load(source: Source, kind: Kind, notes: list[str]) -> list[Triangles] | Samples:  # noqa: ARG001
    """Read the faces and meshes of the model space, blocks unfolded. Lines, texts and ACIS solids are left out.

    Raises:
        MediaError: damaged, or as `join` does; no_vertices for a drawing that is flat lines only.
    """
    try:
        document, _ = recover.read(BytesIO(source.file.read()))
        surface = _Surface()
        left_out = 0
        for count, (entity, corners, faces) in enumerate(_meshes(document)):
            if count >= _MAX_ENTITIES:
                check_counts(1, MAX_VERTICES + 1)
            left_out += not faces
            surface.add(corners, faces, _color(entity, document))
    except (DXFError, AttributeError, TypeError) as error:  # ezdxf relies on attributes that a file may leave out
        raise MediaError(
            Reason.DAMAGED, f"dxf: {error}"[:200] if isinstance(error, DXFError) else "dxf: an entity lacks a value"
        ) from error
    if not surface.faces:
        raise MediaError(Reason.NO_VERTICES, f"a drawing of {left_out:,} lines, texts and curves")
    if left_out:
        notes.append(f"{left_out:,} lines, texts and curves left out")
    return join([surface.part()])


class _Surface:
    """All faces of a drawing, fanned into triangles, each with its colour."""

    def __init__(self) -> None:
        self.vertices: list[Any] = []
        self.faces: list[tuple[int, int, int]] = []
        self._colors: list[Any] = []

    def add(self, corners: Sequence[Any], faces: Sequence[Sequence[int]], color: Any) -> None:
        start = len(self.vertices)
        self.vertices += corners
        for face in faces:
            fan = [(start + face[0], start + b, start + c) for b, c in pairwise(face[1:])]
            self.faces += fan
            self._colors += [color] * len(fan)
        check_counts(1, len(self.vertices) or 1, len(self.faces))

    def part(self) -> MeshPart:
        colors = np.array(self._colors, np.float32)[:, None]
        return MeshPart(np.array(self.vertices, np.float64), np.array(self.faces), Y_FROM_Z_UP, colors=colors)


def _meshes(document: Any) -> Iterator[tuple[Any, Sequence[Any], Sequence[Sequence[int]]]]:
    """Every entity with its corners and faces; both are empty for an entity without a surface."""
    entity: Any
    for entity in islice(disassemble.recursive_decompose(document.modelspace()), _MAX_ENTITIES + 1):
        if entity.dxftype() in _CORNERS:
            corners = [(v.x, v.y, v.z) for v in entity.wcs_vertices()]
            yield entity, corners, [range(len(corners))]
            continue
        mesh = disassemble.make_primitive(entity).mesh if entity.dxftype() in ("POLYLINE", "MESH") else None
        if mesh is None:
            yield entity, (), ()
        else:
            yield entity, [(v.x, v.y, v.z) for v in mesh.vertices], mesh.faces


def _color(entity: Any, document: Any) -> Any:
    """RGBA of an entity in [0, 1]."""
    number = entity.dxf.get("color", 256)
    if number in _BY_LAYER and entity.dxf.layer in document.layers:
        number = document.layers.get(entity.dxf.layer).dxf.color
    if not 1 <= abs(number) <= 255 or abs(number) == 7:  # 7 is black on white and white on black
        return GREY, GREY, GREY, 1.0
    return *(channel / 255 for channel in dxf_colors.aci2rgb(abs(number))), 1.0
