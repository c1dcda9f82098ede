"""USD and USDZ by usd-core. The stage is composed from layers in memory, so that no file is opened by name."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from pxr import Sdf, Tf, Usd, UsdGeom, UsdShade

from omnisearch.errors import MediaError, Reason
from omnisearch.media.archive import Archive
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.objects.memory_file import memory_file
from omnisearch.media.objects.parts import MAX_PARTS, Y_FROM_Z_UP, MeshPart, check_counts, join
from omnisearch.media.objects.textures import Textures, sibling
from omnisearch.media.surface import Samples, Triangles

_LAYERS = (".usd", ".usda", ".usdc")
_MAX_PRIMS = 100_000


def load(source: Source, kind: Kind, notes: list[str]) -> list[Triangles] | Samples:
    """Read the meshes and points of the default time, with the colour or the base texture of each.

    Raises:
        MediaError: damaged, or as `Archive` and `join` do.
    """
    package = Archive(source.file) if kind.format == "usdz" else None
    try:
        stage = _stage(package, source, notes)
        textures = Textures(partial(_picture, package, source), notes)
        return join(list(_parts(stage, textures)))
    except Tf.ErrorException as error:
        raise MediaError(Reason.DAMAGED, "usd: the library cannot read it") from error


def _stage(package: Archive | None, source: Source, notes: list[str]) -> Any:
    if package is None:
        layers = {source.name: _layer(source.file.read())}
        root = source.name
    else:
        names = [name for name in package.names if name.lower().endswith(_LAYERS)]
        if not names:
            raise MediaError(Reason.DAMAGED, "usdz: it holds no layer")
        root, layers = names[0], {name: _layer(package.read(name) or b"") for name in names}
    lost = {name for layer in layers.values() for name in _connect(layer, layers)}
    notes += [f"layer not read: {name}" for name in sorted(lost)[:3]]
    return Usd.Stage.Open(layers[root], Usd.Stage.LoadAll)


def _layer(data: bytes) -> Any:
    """A layer in memory from the bytes of a .usda or .usdc file."""
    binary = data.startswith(b"PXR-USDC")
    layer = Sdf.Layer.CreateAnonymous(".usdc" if binary else ".usda")
    with memory_file(data) as path:
        if not layer.Import(path):
            raise MediaError(Reason.DAMAGED, "usd: a layer of it is broken")
    return layer


def _connect(layer: Any, layers: dict[str, Any]) -> Iterator[str]:
    """Point the references of a layer at layers in memory. Yields the names of files, whose references are removed."""
    for name in layer.GetCompositionAssetDependencies():
        wanted = name.removeprefix("./").lower()
        found = next((other for key, other in layers.items() if key.lower().endswith(wanted)), None)
        layer.UpdateCompositionAssetDependency(name, "" if found is None or not wanted else found.identifier)
        if found is None:
            yield name


def _picture(package: Archive | None, source: Source, name: str) -> bytes | None:
    """The content of a texture in the package, or beside the layer; None if it does not exist."""
    plain = name.removeprefix("./")
    return sibling(source, plain) if package is None else package.read(plain)


def _parts(stage: Any, textures: Textures) -> Iterator[MeshPart]:
    up = Y_FROM_Z_UP if UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z else np.eye(4)
    cache = UsdGeom.XformCache()
    vertices = parts = 0
    for count, prim in enumerate(Usd.PrimRange(stage.GetPseudoRoot(), Usd.TraverseInstanceProxies())):
        if count > _MAX_PRIMS:
            check_counts(MAX_PARTS + 1, 1)
        shape = UsdGeom.PointBased(prim)
        points = shape.GetPointsAttr().Get() if shape else None
        if not points or UsdGeom.Imageable(prim).ComputeVisibility() == UsdGeom.Tokens.invisible:
            continue
        vertices, parts = vertices + len(points), parts + 1
        check_counts(parts, vertices)
        matrix = up @ np.array(cache.GetLocalToWorldTransform(prim)).T
        if prim.IsA(UsdGeom.Mesh):
            yield _mesh(UsdGeom.Mesh(prim), np.array(points), matrix, textures)
        elif prim.IsA(UsdGeom.Points):
            yield MeshPart(np.array(points), matrix=matrix)


def _mesh(mesh: Any, points: Any, matrix: Any, textures: Textures) -> MeshPart:
    counts = np.array(mesh.GetFaceVertexCountsAttr().Get() or [], np.int64)
    indices = np.array(mesh.GetFaceVertexIndicesAttr().Get() or [], np.int64)
    if counts.min(initial=0) < 0 or counts.sum() != len(indices):
        raise MediaError(Reason.DAMAGED, "usd: a mesh has more or fewer corners than its faces need")
    fan = _fan(counts)  # numbers of corners, (f, 3)
    color, name = _material(mesh)
    uv = _uv(mesh, indices, fan) if name else None
    texture = textures[name] if name and uv is not None else None
    if texture is not None:
        return MeshPart(points, indices[fan], matrix, None, np.ones(4, np.float32), uv, texture)
    return MeshPart(points, indices[fan], matrix, colors=color)


def _fan(counts: Any) -> Any:
    """Polygons as triangles that share the polygon's first corner: corner numbers (f, 3)."""
    triangles = np.maximum(counts - 2, 0)
    first = np.repeat(np.cumsum(counts) - counts, triangles)
    step = np.arange(len(first)) - np.repeat(np.cumsum(triangles) - triangles, triangles)
    return np.stack([first, first + step + 1, first + step + 2], axis=1)


def _uv(mesh: Any, indices: Any, fan: Any) -> Any:
    """Texture coordinates (f, 3, 2) of the first set that is given per vertex or per corner; None if there is none."""
    for primvar in UsdGeom.PrimvarsAPI(mesh).GetPrimvarsWithValues():
        if primvar.GetTypeName().role not in ("TextureCoordinate", "") or "2" not in str(primvar.GetTypeName()):
            continue
        values = np.array(primvar.ComputeFlattened(), np.float32)
        corners = indices[fan] if primvar.GetInterpolation() in ("vertex", "varying") else fan
        if values.ndim == 2 and values.shape[1] == 2 and corners.max(initial=-1) < len(values):
            return values[corners]
    return None


def _material(mesh: Any) -> tuple[Any, str | None]:
    """The colour of a mesh in [0, 1], None if it has none, and the name of its base texture."""
    material, _ = UsdShade.MaterialBindingAPI(mesh.GetPrim()).ComputeBoundMaterial()
    shader = material.ComputeSurfaceSource()[0] if material else None
    given = shader.GetInput("diffuseColor") if shader else None
    if given:
        for attribute in UsdShade.Utils.GetValueProducingAttributes(given):
            value = attribute.Get()
            if isinstance(value, Sdf.AssetPath):
                return None, value.path
            picture = UsdShade.Shader(attribute.GetPrim()).GetInput("file")
            if picture and picture.Get():
                return None, picture.Get().path
            if value is not None and len(value) == 3:
                return _rgba(value), None
    colors = mesh.GetDisplayColorAttr().Get()
    return (_rgba(np.mean(np.array(colors), axis=0)) if colors else None), None


def _rgba(linear: Any) -> Any:
    """USD's colours are linear light; pictures are not."""
    return np.append(np.clip(np.array(linear, np.float32), 0, 1) ** (1 / 2.2), 1).astype(np.float32)
