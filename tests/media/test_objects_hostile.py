"""3D files made to harm: each has a good twin in test_objects, and each is refused by the pool with its reason."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from omnisearch.errors import MediaError, Reason
from omnisearch.media.pool import DecoderPool
from omnisearch.types import PointCloud
from tests.media import object_files, shapes

LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


def _threemf(model: str, **more: bytes) -> bytes:
    return object_files.zipped({"3D/3dmodel.model": model, **more})


def _with_declaration(declaration: str, text: str) -> str:
    head, mark, rest = text.partition("?>")
    return head + mark + declaration + rest if mark else declaration + text


def _cyclic_threemf() -> bytes:
    parts = '<component objectid="1"/>' * 2
    return _threemf(
        f'<model><resources><object id="1"><components>{parts}</components></object></resources>'
        '<build><item objectid="1"/></build></model>'
    )


def _doubling_threemf(levels: int = 30) -> bytes:
    point, face = '<vertex x="0" y="0" z="0"/>', '<triangle v1="0" v2="0" v3="0"/>'
    mesh = f"<mesh><vertices>{point}</vertices><triangles>{face}</triangles></mesh>"
    objects = f'<object id="0">{mesh}</object>' + "".join(
        f'<object id="{i + 1}"><components><component objectid="{i}"/><component objectid="{i}"/></components></object>'
        for i in range(levels)
    )
    return _threemf(f'<model><resources>{objects}</resources><build><item objectid="{levels}"/></build></model>')


def _doubling_dxf(levels: int = 24) -> bytes:
    """Each block inserts the one before it twice: the smallest one would be drawn 2 ** levels times."""
    out = ["0", "SECTION", "2", "BLOCKS"]
    for level in range(levels):
        out += ["0", "BLOCK", "8", "0", "2", f"B{level}", "10", "0", "20", "0", "30", "0"]
        for _ in range(2):
            out += (
                ["0", "INSERT", "8", "0", "2", f"B{level - 1}", "10", "0", "20", "0"]
                if level
                else ["0", "POINT", "8", "0", "10", "0", "20", "0"]
            )
        out += ["0", "ENDBLK", "8", "0"]
    out += [
        "0",
        "ENDSEC",
        "0",
        "SECTION",
        "2",
        "ENTITIES",
        "0",
        "INSERT",
        "8",
        "0",
        "2",
        f"B{levels - 1}",
        "10",
        "0",
        "20",
        "0",
    ]
    return ("\n".join([*out, "0", "ENDSEC", "0", "EOF"]) + "\n").encode()


def _empty_threemf(levels: int = 30) -> bytes:
    """Each object holds the one before it twice, and the first has no mesh."""
    objects = '<object id="0"/>' + "".join(
        f'<object id="{i + 1}"><components><component objectid="{i}"/><component objectid="{i}"/></components></object>'
        for i in range(levels)
    )
    return _threemf(f'<model><resources>{objects}</resources><build><item objectid="{levels}"/></build></model>')


def _recorded(suffix: str) -> bytes:
    data = bytearray(object_files.las(suffix))
    struct.pack_into("<I", data, 100, 4_000_000_000)
    return bytes(data)


def _half(suffix: str) -> Callable[[Path], bytes]:
    def cut(folder: Path) -> bytes:
        object_files.write(folder / f"whole.{suffix}")
        data = (folder / f"whole.{suffix}").read_bytes()
        return data[: len(data) // 2]

    return cut


def _lying_pcd() -> bytes:
    return object_files.pcd().replace(b"POINTS 20000", b"POINTS 4900000").replace(b"WIDTH 20000", b"WIDTH 4900000")


def _lying_las() -> bytes:
    data = bytearray(object_files.las("las"))
    struct.pack_into("<I", data, 107, 4_000_000_000)
    return bytes(data)


def _lying_3ds() -> bytes:
    data = bytearray(object_files.three_ds())
    struct.pack_into("<H", data, data.index(struct.pack("<H", 0x4110)) + 6, 65535)
    return bytes(data)


def _lying_lwo() -> bytes:
    data = object_files.lwo()
    at = data.index(b"PNTS") + 4
    return data[:at] + b"\xff\xff\xff\x00" + data[at + 4 :]


USDA_OUTSIDE = '#usda 1.0\ndef "a" (\n    references = @/etc/passwd@\n)\n{\n}\n'
ANY_DAMAGE = {Reason.DAMAGED, Reason.DECODE_ERROR, Reason.NO_VERTICES, Reason.UNSUPPORTED_FORMAT}

BLANKS = 600 << 20
# What takes time to make is made by its test.
HOSTILE: dict[str, tuple[str, bytes | str | Callable[[Path], bytes], set[Reason]]] = {
    "3MF of 600 MB of blanks": ("a.3mf", lambda _: _threemf(" " * BLANKS), {Reason.TOO_LARGE}),
    "3MF of 5,000 files": (
        "a.3mf",
        lambda _: object_files.zipped({f"{i}": "" for i in range(5000)}),
        {Reason.TOO_LARGE},
    ),
    "3MF of laughs": (
        "a.3mf",
        _threemf(_with_declaration(LAUGHS, object_files.threemf_model())),
        {Reason.UNSUPPORTED_FORMAT},
    ),
    "3MF that reads a file": (
        "a.3mf",
        _threemf(_with_declaration(OUTSIDE, object_files.threemf_model())),
        {Reason.UNSUPPORTED_FORMAT},
    ),
    "3MF that is its own part": ("a.3mf", _cyclic_threemf(), {Reason.DAMAGED, Reason.TOO_MANY_VERTICES}),
    "3MF of a thousand million parts": ("a.3mf", _doubling_threemf(), {Reason.TOO_MANY_VERTICES}),
    "3MF of a thousand million empty parts": ("a.3mf", _empty_threemf(), {Reason.TOO_MANY_VERTICES}),
    "3MF that names no number": (
        "a.3mf",
        _threemf(object_files.threemf_model().replace('v1="', 'v1="a')),
        {Reason.DAMAGED, Reason.DECODE_ERROR},
    ),
    "3MF of NaN": ("a.3mf", _threemf(object_files.threemf_model("nan 0 0 0 1 0 0 0 1 0 0 0")), {Reason.NON_FINITE}),
    "3MF without a model": ("a.3mf", object_files.zipped({"a.txt": "a"}), {Reason.DAMAGED}),
    "half a 3MF": ("a.3mf", _half("3mf"), {Reason.DAMAGED}),
    "USDZ of 600 MB of blanks": (
        "a.usdz",
        lambda _: object_files.zipped({"a.usda": " " * BLANKS}),
        {Reason.TOO_LARGE},
    ),
    "USDZ that climbs": ("a.usdz", object_files.zipped({"../../a.usda": USDA_OUTSIDE}), {Reason.NO_VERTICES}),
    "USD that reads a file": ("a.usda", USDA_OUTSIDE, {Reason.NO_VERTICES}),
    "USD of too few corners": ("a.usda", object_files.usda().replace("[3, 3,", "[3, 9,"), {Reason.DAMAGED}),
    "USD of negative corners": ("a.usda", object_files.usda().replace("[3, 3,", "[-3, 9,"), {Reason.DAMAGED}),
    "USD of text": ("a.usda", "#usda 1.0\n{{{", {Reason.DAMAGED}),
    "half a USDC": ("a.usdc", _half("usdc"), {Reason.DAMAGED}),
    "COLLADA of laughs": ("a.dae", _with_declaration(LAUGHS, "<COLLADA>&b;</COLLADA>"), ANY_DAMAGE),
    "AMF of laughs": ("a.amf", _with_declaration(LAUGHS, object_files.amf()), {Reason.UNSUPPORTED_FORMAT}),
    "AMF zip of 600 MB": ("a.amf", lambda _: object_files.zipped({"a.amf": " " * BLANKS}), {Reason.TOO_LARGE}),
    "DXF of 16 million points": (
        "a.dxf",
        _doubling_dxf(),
        {Reason.TOO_MANY_VERTICES, Reason.TIMEOUT, Reason.NO_VERTICES},
    ),
    "PCD that lies": ("a.pcd", _lying_pcd(), {Reason.DAMAGED}),
    "PCD of 4e9 points": (
        "a.pcd",
        object_files.pcd().replace(b"POINTS 20000", b"POINTS 4000000000"),
        {Reason.TOO_MANY_VERTICES},
    ),
    "PCD of -5 points": ("a.pcd", object_files.pcd().replace(b"POINTS 20000", b"POINTS -5"), {Reason.DAMAGED}),
    "PCD of three x in a point": (
        "a.pcd",
        object_files.pcd().replace(b"\nWIDTH", b"\nCOUNT 3 1 1\nWIDTH"),
        {Reason.DAMAGED},
    ),
    "glTF of a name that is not Unicode": (
        "a.gltf",
        '{"asset":{"version":"2.0"},"buffers":[{"uri":"\\ud800.bin","byteLength":4}]}',
        {Reason.DAMAGED},
    ),
    "PCD that unpacks to 4 GB": (
        "a.pcd",
        object_files.pcd("binary_compressed").replace(struct.pack("<I", 240_000), b"\xff\xff\xff\xff"),
        {Reason.DAMAGED},
    ),
    "LAS of 4e9 points": ("a.las", _lying_las(), {Reason.DAMAGED}),
    "LAS of 4e9 records": ("a.las", _recorded("las"), {Reason.DAMAGED}),
    "LAZ of 4e9 records": ("a.laz", _recorded("laz"), {Reason.DAMAGED}),
    "half a LAZ": ("a.laz", _half("laz"), {Reason.DAMAGED}),
    "3DS that lies": ("a.3ds", _lying_3ds(), ANY_DAMAGE | {Reason.NON_FINITE}),
    "LWO that lies": ("a.lwo", _lying_lwo(), ANY_DAMAGE),
    "half a FBX": ("a.fbx", _half("fbx"), ANY_DAMAGE),
    "half a MS3D": ("a.ms3d", _half("ms3d"), ANY_DAMAGE),
    "half a X": ("a.x", _half("x"), ANY_DAMAGE),
    "half a STEP": ("a.step", _half("step"), ANY_DAMAGE),
    "a FBX header": ("a.fbx", b"Kaydara FBX Binary  \0\x1a\0" + b"\xff" * 60, ANY_DAMAGE),
    "a BLEND header": ("a.blend", b"BLENDER_v279" + bytes(200), ANY_DAMAGE),
    "XYZ of words": ("a.xyz", "1 2 3\n" * 20 + "1 2 x\n", {Reason.DAMAGED}),
}


SLOW = {"DXF of 16 million points", "USDZ of 600 MB of blanks", "AMF zip of 600 MB"}


@pytest.mark.parametrize("case", [pytest.param(c, marks=pytest.mark.slow if c in SLOW else ()) for c in HOSTILE])
def test_refused_with_its_reason(case: str, pool: DecoderPool, tmp_path: Path) -> None:
    name, content, reasons = HOSTILE[case]
    made = content(tmp_path) if callable(content) else content
    (tmp_path / name).write_bytes(made.encode() if isinstance(made, str) else made)
    with pytest.raises(MediaError) as caught:
        list(pool.decode(tmp_path / name).pieces)
    assert caught.value.reason in reasons, caught.value


def test_a_scene_names_no_file_outside_its_folder(tmp_path: Path) -> None:
    """The layer that a stage refers to is there, and is not read."""
    (tmp_path / "secret.usda").write_text(object_files.usda())
    (tmp_path / "inner").mkdir()
    text = f'#usda 1.0\ndef "a" (\n    references = @{tmp_path}/secret.usda@</tower>\n)\n{{\n}}\n'
    (tmp_path / "inner" / "a.usda").write_text(text)
    with pytest.raises(MediaError) as caught:
        shapes.decoded(tmp_path / "inner" / "a.usda")
    assert caught.value.reason is Reason.NO_VERTICES


def test_layers_of_a_package_find_each_other(tmp_path: Path) -> None:
    root = '#usda 1.0\n(\n    upAxis = "Z"\n)\ndef "a" (\n    references = @./parts/b.usda@</tower>\n)\n{\n}\n'
    (tmp_path / "a.usdz").write_bytes(object_files.zipped({"a.usda": root, "parts/b.usda": object_files.usda()}))
    object_files.write(tmp_path / "a.obj")
    points, notes = shapes.decoded(tmp_path / "a.usdz")
    assert shapes.likeness(shapes.decoded(tmp_path / "a.obj")[0], points) > 0.98
    assert notes == []


def test_no_message_of_one_file_is_told_of_the_next(pool: DecoderPool, tmp_path: Path) -> None:
    (tmp_path / "a.fbx").write_bytes(b"Kaydara FBX Binary  \0\x1a\0" + b"\xff" * 60)
    (tmp_path / "b.dae").write_text(
        '<COLLADA version="1.4.1"><library_visual_scenes><visual_scene id="s"><node id="n"/></visual_scene>'
        '</library_visual_scenes><scene><instance_visual_scene url="#s"/></scene></COLLADA>'
    )
    with pytest.raises(MediaError, match="fbx"):
        pool.decode(tmp_path / "a.fbx")
    with pytest.raises(MediaError, match="no_vertices") as caught:
        pool.decode(tmp_path / "b.dae")
    assert "FBX" not in caught.value.detail


@pytest.mark.slow  # it ends at the limit of rays.SECONDS
def test_triangles_in_one_place_are_drawn_as_points(pool: DecoderPool, tmp_path: Path) -> None:
    """A ray hits all of them, so that tracing them all would take minutes."""
    facet = struct.pack("<12fH", *(0, 0, 1), *(0, 0, 0), *(1, 0, 0.3), *(0, 1, 0), 0)
    (tmp_path / "a.stl").write_bytes(bytes(80) + struct.pack("<I", 60_000) + 60_000 * facet)
    decoded = pool.decode(tmp_path / "a.stl")
    (piece,) = decoded.pieces
    assert isinstance(piece.content, PointCloud)
    assert (piece.content.views.min(axis=(1, 2, 3)) < 200).all()
    assert decoded.notes == ["drawn as points, because too many of its triangles are in one place"]
