"""glTF: compressed, quantized, spread over files, of version 1; what is not read is named."""

import base64
import json
import struct
from pathlib import Path
from typing import Any

import DracoPy
import meshopt
import numpy as np
import pytest
import trimesh

from omnisearch.errors import MediaError, Reason
from tests.media import makers, object_files, shapes

ALIKE = 0.98


@pytest.fixture(scope="module")
def tower(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    path = tmp_path_factory.mktemp("tower") / "a.obj"
    object_files.write(path)
    return shapes.decoded(path)[0]


def _arrays() -> tuple[np.ndarray, np.ndarray]:
    mesh = object_files.tower()
    return mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32)


def _uri(data: bytes) -> str:
    return f"data:application/octet-stream;base64,{base64.b64encode(data).decode()}"


def _tree(uri: str | None = None) -> dict[str, Any]:
    """The tower as plain glTF; `uri` names its buffer, by default inside."""
    vertices, faces = _arrays()
    data = vertices.tobytes() + faces.tobytes()
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": len(vertices), "type": "VEC3"},
            {"bufferView": 1, "componentType": 5125, "count": faces.size, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": vertices.nbytes},
            {"buffer": 0, "byteOffset": vertices.nbytes, "byteLength": faces.nbytes},
        ],
        "buffers": [{"uri": uri or _uri(data), "byteLength": len(data)}],
    }


def _save(tree: dict[str, Any], folder: Path) -> Path:
    (folder / "a.gltf").write_text(json.dumps(tree))
    return folder / "a.gltf"


def _draco(data: bytes | None = None) -> dict[str, Any]:
    vertices, faces = _arrays()
    packed = data or DracoPy.encode(vertices, faces, quantization_bits=14)
    tree = _tree()
    for accessor in tree["accessors"]:
        del accessor["bufferView"]
    tree["buffers"] = [{"uri": _uri(packed), "byteLength": len(packed)}]
    tree["bufferViews"] = [{"buffer": 0, "byteOffset": 0, "byteLength": len(packed)}]
    extension = {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}}
    tree["meshes"][0]["primitives"][0]["extensions"] = extension
    tree["extensionsRequired"] = tree["extensionsUsed"] = ["KHR_draco_mesh_compression"]
    return tree


def _meshopt(**changes: Any) -> dict[str, Any]:
    """As gltfpack writes it: positions in 16 bits, scaled back by their node, everything packed."""
    vertices, faces = _arrays()
    low, reach = vertices.min(axis=0), float(np.ptp(vertices, axis=0).max())
    stored = np.zeros((len(vertices), 4), np.uint16)
    stored[:, :3] = np.round((vertices - low) / reach * 65535)
    packed = (
        meshopt.encode_gltf_buffer(stored, "ATTRIBUTES"),
        meshopt.encode_gltf_buffer(faces.reshape(-1, 1), "TRIANGLES"),
    )
    tree = _tree()
    tree["buffers"] = [{"uri": _uri(packed[0] + packed[1]), "byteLength": sum(map(len, packed))}, {"byteLength": 4096}]
    tree["accessors"][0] |= {"componentType": 5123, "normalized": True}
    tree["nodes"][0] |= {"scale": [reach] * 3, "translation": low.tolist()}
    sizes = (8, len(vertices), "ATTRIBUTES"), (4, faces.size, "TRIANGLES")
    tree["bufferViews"], start = [], 0
    for data, (stride, count, mode) in zip(packed, sizes, strict=True):
        extension = {"buffer": 0, "byteOffset": start, "byteLength": len(data), "byteStride": stride, "mode": mode}
        extension |= {"count": count} | changes
        view = {"buffer": 1, "byteLength": stride * count} | ({"byteStride": 8} if mode == "ATTRIBUTES" else {})
        tree["bufferViews"].append(view | {"extensions": {"EXT_meshopt_compression": extension}})
        start += len(data)
    tree["extensionsRequired"] = ["EXT_meshopt_compression", "KHR_mesh_quantization"]
    return tree


@pytest.mark.parametrize("tree", [_tree, _draco, _meshopt])
def test_compressed_is_as_plain(tree: Any, tower: np.ndarray, tmp_path: Path) -> None:
    points, notes = shapes.decoded(_save(tree(), tmp_path))
    assert shapes.likeness(tower, points) > ALIKE
    assert notes == []


@pytest.mark.parametrize(
    "tree", [_draco(b"DRACO" + bytes(60)), _meshopt(mode="COLOR"), _meshopt(byteLength=9), _meshopt(count=7)]
)
def test_broken_compressed_data(tree: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        shapes.decoded(_save(tree, tmp_path))
    assert caught.value.reason is Reason.DAMAGED


def test_a_bomb_of_compressed_data(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        shapes.decoded(_save(_meshopt(count=1 << 30), tmp_path))
    assert caught.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("name", ["KHR_texture_basisu", "EXT_mesh_gpu_instancing", "ACME_splats"])
def test_a_required_extension_that_is_not_read_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=f"unsupported_format.*{name}"):
        shapes.decoded(_save(_tree() | {"extensionsRequired": [name]}, tmp_path))
    assert shapes.decoded(_save(_tree() | {"extensionsRequired": ["KHR_materials_unlit"]}, tmp_path))[1] == []


def test_percent_encoded_names(tower: np.ndarray, tmp_path: Path) -> None:
    vertices, faces = _arrays()
    (tmp_path / "my model \u00e9.bin").write_bytes(vertices.tobytes() + faces.tobytes())
    for uri in ("my%20model%20%C3%A9.bin", "my model \u00e9.bin", "./my%20model%20%C3%A9.bin"):
        points, notes = shapes.decoded(_save(_tree(uri), tmp_path))
        assert shapes.likeness(tower, points) > ALIKE
        assert notes == []


@pytest.mark.parametrize(
    "uri", ["gone.bin", "../secret.bin", "%2e%2e%2fsecret.bin", "/etc/passwd", "file:///etc/passwd"]
)
def test_a_missing_buffer_is_named_and_nothing_outside_the_folder_is_read(uri: str, tmp_path: Path) -> None:
    vertices, faces = _arrays()
    (tmp_path / "secret.bin").write_bytes(vertices.tobytes() + faces.tobytes())
    (tmp_path / "inner").mkdir()
    with pytest.raises(MediaError, match=r"damaged.*buffer not found") as caught:
        shapes.decoded(_save(_tree(uri), tmp_path / "inner"))
    assert uri in caught.value.detail


def _textured(image: dict[str, Any]) -> dict[str, Any]:
    tree = _tree()
    vertices, _ = _arrays()
    uv = np.full((len(vertices), 2), 0.5, np.float32)
    tree["buffers"].append({"uri": _uri(uv.tobytes()), "byteLength": uv.nbytes})
    tree["bufferViews"].append({"buffer": 1, "byteLength": uv.nbytes})
    tree["accessors"].append({"bufferView": 2, "componentType": 5126, "count": len(uv), "type": "VEC2"})
    tree["meshes"][0]["primitives"][0] |= {"material": 0}
    tree["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"] = 2
    material = {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}
    return tree | {"materials": [material], "textures": [{"source": 0}], "images": [image]}


def test_a_texture_is_found_by_its_encoded_name_and_missed_with_a_note(tmp_path: Path) -> None:
    from PIL import Image

    from tests.media.shapes import samples

    Image.new("RGB", (8, 8), (200, 30, 40)).save(tmp_path / "red paint.png")
    found = samples(_save(_textured({"uri": "red%20paint.png"}), tmp_path))
    np.testing.assert_allclose(found.colors[:100] * 255, np.tile((200, 30, 40), (100, 1)), atol=2)
    assert shapes.decoded(_save(_textured({"uri": "gone.png"}), tmp_path))[1] == ["texture not found: gone.png"]
    (tmp_path / "a.ktx2").write_bytes(b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(99))
    assert shapes.decoded(_save(_textured({"uri": "a.ktx2"}), tmp_path))[1] == ["texture not readable: a.ktx2"]


def test_quantized_texture_coordinates_with_a_transform(tmp_path: Path) -> None:
    """The left half of the picture is red, the right half blue: the transform decides which is seen."""
    from PIL import Image

    from tests.media.shapes import samples

    picture = Image.new("RGB", (8, 8), (255, 0, 0))
    picture.paste((0, 0, 255), (4, 0, 8, 8))
    picture.save(tmp_path / "a.png")
    seen = []
    for offset in (0.0, 0.5):
        tree = _textured({"uri": "a.png"})
        uv = np.full((len(_arrays()[0]), 2), 65535 // 2, np.uint16)
        tree["buffers"][1] = {"uri": _uri(uv.tobytes()), "byteLength": uv.nbytes}
        tree["bufferViews"][2]["byteLength"] = uv.nbytes
        tree["accessors"][2] |= {"componentType": 5123, "normalized": True}
        texture = tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
        texture["extensions"] = {"KHR_texture_transform": {"offset": [offset, 0], "scale": [0.5, 1]}}
        seen.append(samples(_save(tree, tmp_path)).colors[0].round().tolist())
    assert seen == [[1, 0, 0], [0, 0, 1]]


def test_a_fan_is_triangles(tmp_path: Path) -> None:
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0.5, 1.5, 0], [0, 1, 0]], np.float32)
    tree = _tree()
    tree["buffers"] = [{"uri": _uri(corners.tobytes()), "byteLength": corners.nbytes}]
    tree["bufferViews"] = [{"buffer": 0, "byteLength": corners.nbytes}]
    tree["accessors"] = [{"bufferView": 0, "componentType": 5126, "count": 5, "type": "VEC3"}]
    tree["meshes"] = [{"primitives": [{"attributes": {"POSITION": 0}, "mode": 6}]}]
    fan, _ = shapes.decoded(_save(tree, tmp_path))
    trimesh.Trimesh(corners, [[0, 1, 2], [0, 2, 3], [0, 3, 4]], process=False).export(tmp_path / "b.stl")
    assert shapes.likeness(fan, shapes.decoded(tmp_path / "b.stl")[0]) > ALIKE


def _version_1(buffers: dict[str, Any]) -> dict[str, Any]:
    vertices, faces = _arrays()
    name = next(iter(buffers))
    return {
        "asset": {"version": "1.0"},
        "scene": "s",
        "scenes": {"s": {"nodes": ["n"]}},
        "nodes": {"n": {"meshes": ["m"]}},
        "meshes": {"m": {"primitives": [{"attributes": {"POSITION": "p"}, "indices": "i", "mode": 4}]}},
        "accessors": {
            "p": {"bufferView": "vp", "byteOffset": 0, "componentType": 5126, "count": len(vertices), "type": "VEC3"},
            "i": {"bufferView": "vi", "byteOffset": 0, "componentType": 5123, "count": faces.size, "type": "SCALAR"},
        },
        "bufferViews": {
            "vp": {"buffer": name, "byteOffset": 0, "byteLength": vertices.nbytes},
            "vi": {"buffer": name, "byteOffset": vertices.nbytes, "byteLength": faces.size * 2},
        },
        "buffers": buffers,
    }


def test_version_1(tower: np.ndarray, tmp_path: Path) -> None:
    vertices, faces = _arrays()
    data = vertices.tobytes() + faces.astype("<u2").tobytes()
    (tmp_path / "my data.bin").write_bytes(data)
    beside = {"b": {"uri": "my%20data.bin", "byteLength": len(data), "type": "arraybuffer"}}
    inside = {"binary_glTF": {"byteLength": len(data), "type": "arraybuffer"}}
    text = json.dumps(_version_1(inside)).encode()
    text += b" " * (-len(text) % 4)
    head = b"glTF" + struct.pack("<4I", 1, 20 + len(text) + len(data), len(text), 0)
    (tmp_path / "a.glb").write_bytes(head + text + data)
    for path in (_save(_version_1(beside), tmp_path), tmp_path / "a.glb"):
        assert shapes.likeness(tower, shapes.decoded(path)[0]) > ALIKE
    with pytest.raises(MediaError, match=r"damaged.*gone\.bin"):
        shapes.decoded(_save(_version_1({"b": {"uri": "gone.bin", "byteLength": 9}}), tmp_path))


@pytest.mark.parametrize(
    "change",
    [
        {"bufferViews": [{"buffer": 0, "byteLength": 1 << 40}] * 2},
        {"accessors": "none"},
        {"buffers": [5]},
        {"meshes": [[]]},
    ],
)
def test_values_of_the_wrong_type(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        shapes.decoded(_save(_tree() | change, tmp_path))
    assert caught.value.reason is Reason.DAMAGED


def test_a_glb_that_lies_about_its_length(tmp_path: Path) -> None:
    makers.write_mesh(tmp_path / "a.glb")
    whole = (tmp_path / "a.glb").read_bytes()
    for at in (len(whole) // 2, 30, 22):
        (tmp_path / "a.glb").write_bytes(whole[:at])
        with pytest.raises(MediaError) as caught:
            shapes.decoded(tmp_path / "a.glb")
        assert caught.value.reason is Reason.DAMAGED
