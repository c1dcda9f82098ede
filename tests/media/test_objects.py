"""3D files: every format shows the same tower the same way up, and unusual files are read as their plain twins."""

import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

from omnisearch.errors import MediaError, Reason
from omnisearch.media.pool import DecoderPool
from tests.media import object_files, shapes

ALIKE = 0.98
Y_UP = ("stl", "ply", "off", "glb", "dae", "fbx", "3ds", "lwo", "ac", "ase", "x", "ms3d")
Z_UP = ("3mf", "amf", "dxf", "step", "usda", "usdc", "usdz", "las", "laz", "pcd", "xyz")
FAR = np.array([500_000.0, 5_400_000.0, 300.0])  # UTM


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    path = tmp_path_factory.mktemp("tower") / "a.obj"
    object_files.write(path)
    points, notes = shapes.decoded(path)
    assert notes == []
    return points


def test_the_measure_sees_turns_and_mirrors(tower: np.ndarray) -> None:
    for turned in (tower @ object_files.Y_TO_Z.T, tower * (1, 1, -1), tower * (-1, 1, -1), tower * (1, -1, 1)):
        assert shapes.likeness(tower, turned) < 0.9


@pytest.mark.parametrize("suffix", Y_UP + Z_UP)
def test_every_format_is_upright(suffix: str, tower: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    object_files.write(path)
    points, notes = shapes.decoded(path)
    assert shapes.likeness(tower, points) > ALIKE
    assert notes == []


@pytest.mark.parametrize("suffix", ["fbx", "3mf", "step", "usdz", "dxf", "laz", "pcd", "gltf"])
def test_every_library_runs_within_a_decoder(suffix: str, pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "gltf":
        path.write_bytes(
            trimesh.exchange.gltf.export_gltf(trimesh.Scene(object_files.tower()), embed_buffers=True)["model.gltf"]
        )
    else:
        object_files.write(path)
    decoded = pool.decode(path)
    (piece,) = decoded.pieces
    assert piece.content.points.shape == (10_000, 3)
    assert decoded.notes == []


@pytest.mark.parametrize("shift", [np.full(3, 1e6), FAR, np.full(3, -3e7)])
@pytest.mark.parametrize("suffix", ["obj", "ply", "npy", "xyz", "dxf"])
def test_far_from_the_origin_is_the_same_object(suffix: str, shift: np.ndarray, tmp_path: Path) -> None:
    found = []
    for name, moved in (("near", np.zeros(3)), ("far", shift)):
        path, mesh = tmp_path / f"{name}.{suffix}", object_files.tower()
        vertices, places = mesh.vertices + moved, mesh.sample(5000, seed=3) + moved
        if suffix == "obj":
            path.write_text("\n".join(f"v {x!r} {y!r} {z!r}" for x, y, z in vertices.tolist()) + "\n")
            with path.open("a") as file:
                file.writelines(f"f {a} {b} {c}\n" for a, b, c in mesh.faces + 1)
        elif suffix == "ply":
            path.write_text(_ply_of_doubles(vertices, mesh.faces))
        elif suffix == "npy":
            np.save(path, places)
        elif suffix == "xyz":
            path.write_text("\n".join(" ".join(map(repr, row)) for row in places.tolist()))
        else:
            path.write_text(object_files.dxf(tuple(moved)))
        found.append(shapes.decoded(path)[0])
    np.testing.assert_allclose(found[1], found[0], atol=1e-5)


def _ply_of_doubles(vertices: np.ndarray, faces: np.ndarray) -> str:
    axes = "".join(f"property double {axis}\n" for axis in "xyz")
    head = f"ply\nformat ascii 1.0\nelement vertex {len(vertices)}\n{axes}element face {len(faces)}\n"
    rows = [" ".join(map(repr, row)) for row in vertices.tolist()] + [f"3 {a} {b} {c}" for a, b, c in faces]
    return head + "property list uchar int vertex_indices\nend_header\n" + "\n".join(rows) + "\n"


def test_the_picked_points_do_not_depend_on_the_place(pool: DecoderPool, tmp_path: Path) -> None:
    mesh = object_files.tower()
    picked = []
    for shift in (0, 1e6):
        path = tmp_path / f"{shift:g}.obj"
        path.write_text(object_files.obj(mesh.vertices + shift, mesh.faces).replace("e+06", "e6"))
        (piece,) = pool.decode(path).pieces
        picked.append(piece.content)
    np.testing.assert_allclose(picked[1].points, picked[0].points, atol=2e-3)  # %.9g keeps 0.001 at a million
    assert np.abs(picked[1].views.astype(int) - picked[0].views).mean() < 1


def test_relative_vertex_numbers(tower: np.ndarray, tmp_path: Path) -> None:
    mesh = object_files.tower()
    lines = []
    for a, b, c in mesh.triangles:
        lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in (a, b, c)] + ["f -3 -2 -1"]
    (tmp_path / "a.obj").write_text("\n".join(lines))
    points, _ = shapes.decoded(tmp_path / "a.obj")
    assert shapes.likeness(tower, points) > 0.999
    (tmp_path / "b.obj").write_text("\n".join([*lines[:4], "f -9 -2 -1", *lines[4:]]))
    with pytest.raises(MediaError, match=r"damaged.*-9 of 3"):
        shapes.decoded(tmp_path / "b.obj")


def test_relative_numbers_of_textures_and_normals(tmp_path: Path) -> None:
    from omnisearch.media.objects.repair import repaired

    text = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvn 0 0 1\nf -3/-1/-1 -2/-1/-1 -1//-1\n"
    assert repaired(text, "obj", []).splitlines()[-1] == b"f 1/1/1 2/1/1 3//1"


@pytest.mark.parametrize(
    ("encoding", "note"),
    [("latin-1", "text read as windows-1252"), ("utf-16", "text read as utf-16"), ("utf-8", None), ("utf-8-sig", None)],
)
@pytest.mark.parametrize("suffix", ["obj", "stl", "ase", "off"])
def test_a_comment_in_any_encoding(
    suffix: str, encoding: str, note: str | None, tower: np.ndarray, tmp_path: Path
) -> None:
    mesh, path = object_files.tower(), tmp_path / f"a.{suffix}"
    match suffix:
        case "obj":
            text = "# Gr\u00f6\u00dfe\n" + object_files.obj(mesh.vertices, mesh.faces)
        case "stl":
            text = mesh.export(file_type="stl_ascii").replace("solid ", "solid Gr\u00f6\u00dfe ", 1)
        case "off":
            text = mesh.export(file_type="off").replace("OFF\n", "OFF\n# Gr\u00f6\u00dfe\n", 1)
        case _:
            object_files.write(path)
            text = path.read_text().replace('"tower"', '"Gr\u00f6\u00dfe"')
    path.write_bytes(text.encode(encoding))
    points, notes = shapes.decoded(path)
    assert shapes.likeness(tower, points) > ALIKE
    assert notes == ([note] if note else [])


def test_bytes_after_the_last_triangle(tower: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "a.stl").write_bytes(object_files.tower().export(file_type="stl") + b"\0")
    points, notes = shapes.decoded(tmp_path / "a.stl")
    assert shapes.likeness(tower, points) > ALIKE
    assert notes == ["1 bytes after the last triangle ignored"]


def _sphere(suffix: str) -> bytes:
    made = trimesh.creation.icosphere(subdivisions=3).export(file_type=suffix)
    return made.encode() if isinstance(made, str) else made


@pytest.mark.parametrize("suffix", ["stl", "ply", "stl_ascii", "pcd", "las"])
def test_a_file_cut_short_is_read_in_part_or_damaged(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix.partition('_')[0]}"
    data = {"pcd": object_files.pcd, "las": lambda: object_files.las("las")}.get(suffix, lambda: _sphere(suffix))()
    path.write_bytes(data[: len(data) * 95 // 100])
    _, notes = shapes.decoded(path)
    assert any(note.startswith("partly read: ") for note in notes)
    if suffix == "stl_ascii":
        return
    path.write_bytes(data[: len(data) * 15 // 100])
    with pytest.raises(MediaError, match=r"damaged|it holds") as caught:
        shapes.decoded(path)
    assert caught.value.reason is Reason.DAMAGED


def test_a_ply_of_triangles_and_squares(tmp_path: Path) -> None:
    points = trimesh.creation.box().vertices.astype("<f4")
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7), (1, 7, 3)]
    head = "ply\nformat binary_little_endian 1.0\nelement vertex 8\nproperty float x\nproperty float y\n"
    head += f"property float z\nelement face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    rows = b"".join(struct.pack(f"<B{len(face)}i", len(face), *face) for face in faces)
    (tmp_path / "a.ply").write_bytes(head.encode() + points.tobytes() + rows)
    (tmp_path / "b.stl").write_bytes(trimesh.creation.box().export(file_type="stl"))
    assert shapes.likeness(shapes.decoded(tmp_path / "a.ply")[0], shapes.decoded(tmp_path / "b.stl")[0]) > ALIKE


def test_a_cut_file_says_how_much_is_left(tmp_path: Path) -> None:
    (tmp_path / "a.stl").write_bytes(_sphere("stl")[: 84 + 50 * 1000 + 7])
    assert shapes.decoded(tmp_path / "a.stl")[1] == ["partly read: 1,000 of 1,280 triangles"]


def _dae(up: str, instances: str, library: str = "") -> str:
    mesh = object_files.tower()
    vertices = mesh.vertices @ object_files.Y_TO_Z.T if up == "Z_UP" else mesh.vertices
    points, corners = " ".join(map(str, vertices.ravel())), " ".join(map(str, mesh.faces.ravel()))
    return f"""<?xml version="1.0"?>
<COLLADA xmlns="http://www.collada.org/2005/11/COLLADASchema" version="1.4.1"><asset><up_axis>{up}</up_axis></asset>
<library_geometries><geometry id="g"><mesh><source id="p"><float_array id="a" count="{vertices.size}">{points}
</float_array><technique_common><accessor source="#a" count="{len(vertices)}" stride="3"><param name="X" type="float"/>
<param name="Y" type="float"/><param name="Z" type="float"/></accessor></technique_common></source>
<vertices id="v"><input semantic="POSITION" source="#p"/></vertices><triangles count="{len(mesh.faces)}">
<input semantic="VERTEX" source="#v" offset="0"/><p>{corners}</p></triangles></mesh></geometry></library_geometries>
{library}<library_visual_scenes><visual_scene id="s">{instances}</visual_scene></library_visual_scenes>
<scene><instance_visual_scene url="#s"/></scene></COLLADA>"""


INSTANCE = '<node id="n"><instance_geometry url="#g"/></node>'


@pytest.mark.parametrize(
    ("up", "instances", "library"),
    [
        ("Y_UP", INSTANCE, ""),
        ("Z_UP", INSTANCE, ""),
        ("Z_UP", '<node id="o"><node id="i"><instance_node url="#n"/></node></node>',
         f"<library_nodes>{INSTANCE}</library_nodes>"),
    ],
)  # fmt: skip
def test_collada_axes_and_nested_instances(
    up: str, instances: str, library: str, tower: np.ndarray, tmp_path: Path
) -> None:
    (tmp_path / "a.dae").write_text(_dae(up, instances, library))
    points, notes = shapes.decoded(tmp_path / "a.dae")
    assert shapes.likeness(tower, points) > ALIKE
    assert notes == []


def test_a_print_job_of_several_files(tower: np.ndarray, tmp_path: Path) -> None:
    """As slicers write it: the objects lie in files of their own, and the same numbers are used in each."""
    core = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
    production = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
    root = (
        f'<model xmlns="{core}" xmlns:p="{production}"><resources><object id="7" type="model"><components>'
        '<component p:path="/3D/Objects/a.model" objectid="1" transform="1 0 0 0 1 0 0 0 1 0 0 0"/>'
        '<component p:path="/3D/Objects/b.model" objectid="1" transform="1 0 0 0 1 0 0 0 1 50 0 0"/>'
        '</components></object></resources><build><item objectid="7"/></build></model>'
    )
    inner = object_files.threemf_model()
    members = {"3D/3dmodel.model": root, "3D/Objects/a.model": inner, "3D/Objects/b.model": inner}
    (tmp_path / "a.3mf").write_bytes(object_files.zipped(members))
    points, _ = shapes.decoded(tmp_path / "a.3mf")
    left = points[points[:, 0] < 0]
    assert 0.45 < len(left) / len(points) < 0.55
    single = left - (left.min(axis=0) + left.max(axis=0)) / 2
    whole = tower - (tower.min(axis=0) + tower.max(axis=0)) / 2
    assert shapes.likeness(whole, single * (np.ptp(whole[:, 1]) / np.ptp(single[:, 1]))) > ALIKE


@pytest.mark.parametrize("kind", ["ascii", "binary", "binary_compressed"])
def test_every_kind_of_pcd(kind: str, tower: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "a.pcd").write_bytes(object_files.pcd(kind))
    assert shapes.likeness(tower, shapes.decoded(tmp_path / "a.pcd")[0]) > ALIKE


def test_lzf_copies_that_reach_into_what_they_write() -> None:
    from omnisearch.media.objects.pcd import unpack_lzf

    # one literal `a`, then 10 bytes from one byte back
    assert unpack_lzf(b"\x00a" + bytes([0xE0, 1, 0]), 11) == b"a" * 11
    with pytest.raises(MediaError, match="compressed"):
        unpack_lzf(b"\x00a" + bytes([0xE0, 1, 9]), 11)


def test_a_missing_texture_becomes_a_note(tmp_path: Path) -> None:
    mesh = object_files.tower()
    text = "mtllib a.mtl\nvt 0 0\nusemtl wood\n" + object_files.obj(mesh.vertices, mesh.faces)
    (tmp_path / "a.obj").write_text(text)
    assert shapes.decoded(tmp_path / "a.obj")[1] == ["file not found: a.mtl"]
    (tmp_path / "a.mtl").write_text("newmtl wood\nKd 1 0 0\nmap_Kd wood.png\n")
    assert shapes.decoded(tmp_path / "a.obj")[1] == ["file not found: wood.png"]


@pytest.mark.parametrize(
    ("name", "told"), [("a.max", "3ds Max scene"), ("a.wrl", "VRML"), ("a.x3d", "X3D"), ("a.ifc", "IFC")]
)
def test_unread_formats_are_named(name: str, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"ISO-10303-21;\nHEADER;\nFILE_SCHEMA(('IFC4'));\nENDSEC;\n" + struct.pack("<I", 0))
    with pytest.raises(MediaError, match=f"unsupported_format.*{told}"):
        shapes.decoded(tmp_path / name)


def test_a_format_of_an_extra_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "cascadio", None)
    monkeypatch.delitem(sys.modules, "omnisearch.media.objects.step", raising=False)
    object_files.write(tmp_path / "a.step")
    with pytest.raises(MediaError, match=r"unsupported_format.*omnisearch\[formats\]"):
        shapes.decoded(tmp_path / "a.step")
