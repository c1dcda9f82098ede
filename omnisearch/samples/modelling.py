"""Turn the solids of a shape into a point cloud with its views, as the decoder of 3D files makes them."""

from functools import cache
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from omnisearch.media.drawing.picture import Drawing
from omnisearch.media.objects.parts import MeshPart, join
from omnisearch.media.point_cloud import to_cloud
from omnisearch.media.surface import Samples, Triangles
from omnisearch.samples.shapes import SHAPES, Solid
from omnisearch.types import Pixels, PointCloud

_SECTIONS = 40
_euler: Any = trimesh.transformations.euler_matrix
_ARC = np.linspace(-np.pi / 2, np.pi / 2, 20)

# Profiles (radius, height) in the unit cube of the solids that are turned about their axis.
_PROFILES = {
    "ball": np.stack([0.5 * np.cos(_ARC), 0.5 * np.sin(_ARC)], 1),
    "cylinder": np.array([(0, -0.5), (0.5, -0.5), (0.5, 0.5), (0, 0.5)]),
    "cone": np.array([(0, -0.5), (0.5, -0.5), (0, 0.5)]),
    "shade": np.array([(0.48, -0.5), (0.5, -0.5), (0.27, 0.5), (0.25, 0.5), (0.48, -0.5)]),
    "tube": np.array([(0, -0.5), (0.5, -0.5), (0.5, 0.5), (0.44, 0.5), (0.44, -0.4), (0, -0.4)]),
    "dome": np.stack([0.5 * np.cos(_ARC[10:]), 0.5 * np.sin(_ARC[10:])], 1),
    "ring": np.stack([0.44 + 0.06 * np.cos(2 * _ARC), 0.5 * np.sin(2 * _ARC)], 1),
}
_ROOF = np.array([(x, y, z) for x, y in ((-0.5, -0.5), (0.5, -0.5), (0, 0.5)) for z in (-0.5, 0.5)])


def make_object(thing: str, stretch: tuple[float, float, float] = (1, 1, 1), turn: float = 0) -> PointCloud:
    """Return the 3D model of a thing of SHAPES; `stretch` scales its axes, `turn` is in degrees about its height."""
    surface = _surface(thing, _turned((0, turn, 0)) @ np.diag([*stretch, 1.0]))
    return to_cloud(surface, Drawing(surface, []))


def make_view(thing: str) -> Pixels:
    """Return a picture of the 3D model of a thing of SHAPES, as uint8 (224, 224, 3)."""
    view: Pixels = Drawing(_surface(thing, np.eye(4)), []).views(1)[0]
    return view


def _surface(thing: str, placing: NDArray[np.float64]) -> list[Triangles]:
    triangles = join([_part(solid, placing) for solid in SHAPES[thing]])
    assert not isinstance(triangles, Samples)
    return triangles


def _part(solid: Solid, placing: NDArray[np.float64]) -> MeshPart:
    mesh = _mesh(solid.form)
    own = _turned(solid.turn) @ np.diag([*solid.size, 1.0])
    own[:3, 3] = solid.at
    color = np.array([*bytes.fromhex(solid.color), 255], np.float32) / 255
    return MeshPart(mesh.vertices, np.asarray(mesh.faces), placing @ own, mesh.vertex_normals, color)


@cache
def _mesh(form: str) -> Any:
    """Return a solid in the unit cube as a mesh, y up."""
    if form == "box":
        return trimesh.creation.box((1, 1, 1))
    if form == "roof":
        return trimesh.convex.convex_hull(_ROOF)
    turned = trimesh.creation.revolve(_PROFILES[form], sections=_SECTIONS)
    turned.apply_transform(_turned((-90, 0, 0)))
    return turned


def _turned(degrees: tuple[float, float, float]) -> NDArray[np.float64]:
    matrix: NDArray[np.float64] = _euler(*np.radians(degrees))
    return matrix
