"""The models of assimp's own test suite, from Debian: what is read, what is refused and why, and that pairs agree."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from omnisearch.errors import MediaError, Reason
from omnisearch.media.kinds import UNREAD_OBJECTS
from omnisearch_training.datasets.fetch_package import Package, Registry, fetch_package
from tests.media import shapes

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(1200)]

# What is known not to be read, by reason. Formats that are not read at all are named in UNREAD_OBJECTS.
REFUSED: dict[Reason, set[str]] = {
    Reason.DAMAGED: {
        "glTF/BoxTextured-glTF-Binary/BoxTextured.glb",  # 33 bytes shorter than its header says
        "glTF2/IncorrectVertexArrays/Cube.gltf",
        "glTF2/IndexOutOfRange/AllIndicesOutOfRange.gltf",
        "glTF2/IndexOutOfRange/IndexOutOfRange.gltf",
        "glTF2/MissingBin/BoxTextured.gltf",
        "glTF2/SchemaFailures/sceneWrongType.gltf",
        "glTF2/wrongTypes/badArray.gltf",
        "glTF2/wrongTypes/badExtension.gltf",
        "glTF2/wrongTypes/badObject.gltf",
        "invalid/malformed.obj",
    },
    Reason.DECODE_ERROR: {
        "BLEND/BlenderDefault_262.blend",
        "FBX/transparentTest.fbx",
        "invalid/OutOfMemory.off",
    },
    Reason.NO_VERTICES: {
        "Collada/cameras.dae",
        "Collada/lights.dae",
        "OBJ/number_formats.obj",
        "OBJ/point_cloud.obj",
        "OBJ/testline.obj",
        "OBJ/testpoints.obj",
        "OFF/invalid.off",
        "PLY/points.ply",
        "glTF2/RecursiveNodes/RecursiveNodes.gltf",
        "glTF2/TestNoRootNode/NoScene.gltf",
        "glTF2/TestNoRootNode/SceneWithoutNodes.gltf",
        "glTF2/glTF-Asset-Generator/Mesh_PrimitiveMode/Mesh_PrimitiveMode_01.gltf",
        "glTF2/glTF-Asset-Generator/Mesh_PrimitiveMode/Mesh_PrimitiveMode_02.gltf",
        "glTF2/glTF-Asset-Generator/Mesh_PrimitiveMode/Mesh_PrimitiveMode_03.gltf",
        "glTF2/glTF-Asset-Generator/Mesh_PrimitiveMode/Mesh_PrimitiveMode_08.gltf",
        "glTF2/glTF-Asset-Generator/Mesh_PrimitiveMode/Mesh_PrimitiveMode_09.gltf",
        "glTF2/glTF-Asset-Generator/Mesh_PrimitiveMode/Mesh_PrimitiveMode_10.gltf",
    },
    Reason.NON_FINITE: {
        "PLY/pond.0.ply",
        "glTF2/BoxWithInfinites-glTF-Binary/BoxWithInfinites.glb",
    },
    Reason.UNSUPPORTED_FORMAT: {
        "AC/closedLine.ac",
        "AC/nosurfaces.ac",
        "AC/openLine.ac",
        "glTF/IncorrectVertexArrays/Cube_v1.gltf",
    },
}
# The same model in two formats, both as their programs show them.
PAIRS = [
    ("OBJ/WusonOBJ.obj", "STL/Wuson.stl"),
    ("OBJ/WusonOBJ.obj", "PLY/Wuson.ply"),
    ("AC/Wuson.ac", "DXF/wuson.dxf"),
    ("OBJ/spider.obj", "FBX/spider.fbx"),
    ("STL/Spider_binary.stl", "STL/Spider_ascii.stl"),
    ("Collada/cube_UTF8BOM.dae", "Collada/cube_UTF16LE.dae"),
    ("Collada/cube_UTF8BOM.dae", "OBJ/cube_usemtl.obj"),
    ("Collada/cube_UTF8BOM.dae", "FBX/phong_cube.fbx"),
    ("OBJ/box.obj", "OBJ/box_UTF16BE.obj"),
    ("AC/SphereWithLight.ac", "AC/SphereWithLight_UTF16LE.ac"),
    ("ASE/ThreeCubesGreen.ASE", "ASE/ThreeCubesGreen_UTF16BE.ASE"),
    ("glTF/BoxTextured-glTF-Embedded/BoxTextured.gltf", "glTF2/BoxTextured-glTF-Embedded/BoxTextured.gltf"),
    ("glTF2/BoxTextured-glTF/BoxTextured.gltf", "glTF2/BoxTextured-glTF-Binary/BoxTextured.glb"),
    ("X/test_cube_text.x", "X/test_cube_binary.x"),
    ("X/test_cube_text.x", "X/test_cube_compressed.x"),
    ("Collada/duck.dae", "Collada/duck_triangulate.dae"),
    ("Collada/sphere.dae", "Collada/sphere_triangulate.dae"),
    ("PLY/cube.ply", "PLY/cube_binary.ply"),
    ("FBX/cubes_with_names.fbx", "FBX/cubes_nonames.fbx"),
    ("FBX/boxWithCompressedCTypeArray.FBX", "FBX/boxWithUncompressedCTypeArray.FBX"),
    ("AMF/test1.amf", "AMF/test5.amf"),
]  # fmt: skip
MODELS = {".3ds", ".3mf", ".ac", ".acc", ".amf", ".ase", ".blend", ".dae", ".dxf", ".fbx", ".glb", ".gltf", ".lwo",
          ".lxo", ".ms3d", ".obj", ".off", ".ply", ".stl", ".x", *UNREAD_OBJECTS}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = Path(os.environ.get("OMNISEARCH_DATASETS_DIR") or tmp_path_factory.mktemp("datasets"))
    return fetch_package(Package(Registry.DEBIAN, "assimp-testmodels"), root) / "usr/share/assimp/models"


@pytest.fixture(scope="module")
def read(models: Path) -> dict[str, np.ndarray | Reason]:
    """Every model by its path: its points, thinned to 20,000, or the reason for which it is refused."""
    found: dict[str, np.ndarray | Reason] = {}
    for path in sorted(models.rglob("*")):
        if path.suffix.lower() in MODELS and path.is_file() and path.stat().st_size:
            try:
                points, _ = shapes.decoded(path)
                found[str(path.relative_to(models))] = points[:: max(1, len(points) // 20_000)]
            except MediaError as error:
                found[str(path.relative_to(models))] = error.reason
    return found


def test_every_model_is_read_or_refused_for_its_known_reason(read: dict[str, np.ndarray | Reason]) -> None:
    refused = {name: value for name, value in read.items() if isinstance(value, Reason)}
    by_name = {name for name in refused if Path(name).suffix.lower() in UNREAD_OBJECTS}
    assert all(refused[name] is Reason.UNSUPPORTED_FORMAT for name in by_name)
    expected = {name: reason for reason, names in REFUSED.items() for name in names}
    assert {name: reason for name, reason in refused.items() if name not in by_name} == expected
    counts = Counter(value.value if isinstance(value, Reason) else "read" for value in read.values())
    assert counts["read"] > 230, counts


def test_everything_read_is_a_shape(read: dict[str, np.ndarray | Reason]) -> None:
    for name, points in read.items():
        if not isinstance(points, Reason):
            assert np.isfinite(points).all(), name
            assert 0.5 < np.linalg.norm(points, axis=1).max() <= 1, name


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_pairs_agree(one: str, other: str, read: dict[str, np.ndarray | Reason]) -> None:
    first, second = read[one], read[other]
    assert not isinstance(first, Reason), first
    assert not isinstance(second, Reason), second
    assert shapes.likeness(first, second) > 0.98
