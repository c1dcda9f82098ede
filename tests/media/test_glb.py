"""3D objects as GLB files: the same object, bounded, with its colours and textures."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image
from trimesh.visual.material import PBRMaterial

from omnisearch.media import glb as making
from omnisearch.media.file import Source
from omnisearch.media.glb import glb
from omnisearch.media.pool import DecoderPool
from omnisearch.media.rendition import Rendition
from tests.media import makers


def shown(data: bytes, name: str) -> Any:
    """The only shape of the GLB of a file."""
    made = glb(Source(io.BytesIO(data), len(data), name))
    assert Rendition.GLB.is_whole(made, len(made))
    (shape,) = trimesh.load_scene(io.BytesIO(made), file_type="glb", process=False).geometry.values()
    return shape


def test_a_small_mesh_keeps_its_triangles() -> None:
    ball = trimesh.creation.icosphere(subdivisions=2)
    shape = shown(ball.export(file_type="stl"), "a.stl")
    np.testing.assert_allclose(
        np.sort(shape.triangles.reshape(-1, 9), axis=0), np.sort(_scaled(ball), axis=0), atol=1e-5
    )
    assert len(shape.vertices) == len(ball.vertices) or len(shape.vertices) == 3 * len(ball.faces)


def _scaled(mesh: trimesh.Trimesh) -> np.ndarray:
    low, high = mesh.bounds
    return ((mesh.triangles - (low + high) / 2) / ((high - low).max() / 2)).reshape(-1, 9)


@pytest.mark.parametrize("limit", [100, 1000, 5000])
def test_a_large_mesh_is_merged_to_fewer_triangles(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(making, "MAX_TRIANGLES", limit)
    ball = trimesh.creation.icosphere(subdivisions=5)
    ball.visual.vertex_colors = [255, 0, 0, 255]
    shape = shown(ball.export(file_type="ply"), "a.ply")
    assert limit / 3 < len(shape.faces) <= limit
    assert np.abs(np.linalg.norm(shape.vertices, axis=1) - 1).max() < 0.25
    assert (shape.visual.vertex_colors == [255, 0, 0, 255]).all()


def test_points_stay_points(monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.BytesIO()
    np.save(data, np.random.default_rng(0).normal(size=(500, 3)))
    assert len(shown(data.getvalue(), "a.npy").vertices) == 500
    monkeypatch.setattr(making, "MAX_POINTS", 100)
    shape = shown(data.getvalue(), "a.npy")
    assert isinstance(shape, trimesh.PointCloud)
    assert len(shape.vertices) == 100


def test_a_texture_is_kept_below_the_limit_and_baked_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Image.new("RGB", (8, 8), (255, 0, 0))
    uv = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
    look = trimesh.visual.TextureVisuals(uv=uv, material=PBRMaterial(baseColorTexture=picture))
    corners, faces = [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [[0, 1, 2], [0, 2, 3]]
    data = trimesh.Trimesh(corners, faces, visual=look, process=False).export(file_type="glb")
    shape = shown(data, "a.glb")
    assert sorted(map(tuple, np.round(shape.visual.uv, 3).tolist())) == sorted(map(tuple, uv))
    assert shape.visual.material.baseColorTexture.getpixel((4, 4))[:3] == (255, 0, 0)
    monkeypatch.setattr(making, "MAX_TEXTURES", 0)
    assert (shown(data, "a.glb").visual.vertex_colors == [255, 0, 0, 255]).all()


def test_the_pool_makes_one_of_3d_files_alone(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_mesh(tmp_path / "a.glb")
    makers.write_sound(tmp_path / "a.wav", 1)
    made = {}
    for name in ("a.glb", "a.wav"):
        with (tmp_path / name).open("rb") as file:
            made[name] = pool.render(tmp_path / name, file.fileno(), Rendition.GLB)
    assert (made["a.glb"] or b"")[:4] == b"glTF"
    assert made["a.wav"] is None
