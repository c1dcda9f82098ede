"""Hostile metadata: the file is read all the same, inside the limits, and what could not be read is left out."""

import json
import os
import struct
from pathlib import Path

import pytest
from PIL.TiffImagePlugin import IFDRational

from omnisearch.media.pool import DecoderPool, _info
from omnisearch.metadata import MAX_CAPTION, MAX_KEYWORD, MAX_KEYWORDS, MAX_TEXT, NO_METADATA, Metadata
from omnisearch.wire import WireError
from tests.media import makers
from tests.media import metadata_makers as made

TAKEN = {0x9003: "2023:07:14 15:30:05"}


def _described(pool: DecoderPool, path: Path) -> Metadata:
    """The metadata of a file that must decode."""
    decoded = pool.decode(path)
    assert len(list(decoded.pieces)) == 1
    assert decoded.notes == []
    return decoded.info.metadata


def _exif(entries: bytes, tail: bytes = b"") -> bytes:
    """A block with these directory entries of 12 bytes, the model X100, and what follows them."""
    model = struct.pack("<HHI4s", 0x0110, 2, 4, b"X100")
    count = len(entries) // 12 + 1
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", count) + model + entries + bytes(4) + tail


def _png_with_exif(block: bytes) -> bytes:
    """A PNG with a block of any size; a JPEG has 64 KiB at most."""
    import io

    picture = io.BytesIO()
    makers.picture().save(picture, "PNG", exif=block)
    return picture.getvalue()


def test_a_maker_note_that_is_a_bomb(pool: DecoderPool, tmp_path: Path) -> None:
    # 10,000 maker notes of 100 KB that all lie in the same place would be 1 GB
    note = struct.pack("<HHII", 0x927C, 7, 100_000, 0)
    notes = b"".join(struct.pack("<H", n % 0xFFFF) + note[2:] for n in range(0x1000, 0x1000 + 10_000))
    (tmp_path / "a.png").write_bytes(_png_with_exif(_exif(notes)))
    assert _described(pool, tmp_path / "a.png").camera in {"X100", ""}
    camera = {**TAKEN, 0x927C: os.urandom(40_000)}
    (tmp_path / "a.jpg").write_bytes(made.jpeg(made.exif({0x0110: "X100"}, camera)))
    assert _described(pool, tmp_path / "a.jpg").camera == "X100"


def test_directories_that_contain_themselves(pool: DecoderPool, tmp_path: Path) -> None:
    loops = b"".join(struct.pack("<HHII", tag, 4, 1, 8) for tag in (0x8769, 0x8825))
    (tmp_path / "a.png").write_bytes(_png_with_exif(_exif(loops)))
    assert _described(pool, tmp_path / "a.png").camera == "X100"


ENTITIES = '<!DOCTYPE x [<!ENTITY a "dog"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "packet",
    [
        made.xmp("<dc:title>&b;</dc:title>", ENTITIES),
        made.xmp("<dc:title>&a;</dc:title>", OUTSIDE),
        made.xmp("<dc:title>" + "<dc:x>" * 5000 + "</dc:x>" * 5000 + "</dc:title>"),
        made.xmp("<dc:title>")[:-9],
        b"\xff\xfe<\0x",
        b"\0" * 1000,
    ],
    ids=["entities", "an outside file", "deep", "cut", "UTF-16", "zeros"],
)
def test_packets_of_xmp(packet: bytes, pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(made.jpeg(made.exif({0x0110: "X100"}), xmp=packet))
    (tmp_path / "a.xmp").write_bytes(packet)
    assert _described(pool, path) == Metadata(camera="X100")


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.jpg.json"])
def test_a_sidecar_of_100_megabytes(name: str, pool: DecoderPool, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(made.jpeg(made.exif({0x0110: "X100"})))
    with (tmp_path / name).open("wb") as sidecar:
        sidecar.write(b'{"title": "a.jpg", "description": "' if name.endswith("json") else made.xmp("")[:-40])
        sidecar.truncate(100 << 20)
    assert _described(pool, tmp_path / "a.jpg") == Metadata(camera="X100")


def test_many_long_values_of_xmp(pool: DecoderPool, tmp_path: Path) -> None:
    words = "".join(f"<rdf:li>{n} {'x' * 300}</rdf:li>" for n in range(5000))
    long = "y" * 100_000
    bag = f"<dc:subject><rdf:Bag>{words}</rdf:Bag></dc:subject>"
    (tmp_path / "a.xmp").write_bytes(
        made.xmp(f"{bag}<dc:title>{long}</dc:title><dc:description>{long}</dc:description>")
    )
    (tmp_path / "a.jpg").write_bytes(made.jpeg())
    found = _described(pool, tmp_path / "a.jpg")
    assert (len(found.keywords), len(found.title), len(found.caption)) == (MAX_KEYWORDS, MAX_TEXT, MAX_CAPTION)
    assert max(map(len, found.keywords)) == MAX_KEYWORD


def test_id3_with_10_000_frames(pool: DecoderPool, tmp_path: Path) -> None:
    makers_path = tmp_path / "plain.mp3"
    made.write_tagged(makers_path, {}, "libmp3lame")
    frames = b"".join(b"TPE1" + struct.pack(">IH", 6, 0) + b"\0" + b"%05d" % n for n in range(10_000))
    size = bytes((len(frames) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    data = makers_path.read_bytes()
    old = 10 + sum((data[6 + n] & 0x7F) << shift for n, shift in enumerate((21, 14, 7, 0))) if data[:3] == b"ID3" else 0
    (tmp_path / "a.mp3").write_bytes(b"ID3\3\0\0" + size + frames + data[old:])
    assert len(_described(pool, tmp_path / "a.mp3").artist) <= MAX_TEXT


ZERO = IFDRational(0, 0)


@pytest.mark.parametrize(
    "gps",
    [
        {1: "N", 2: (ZERO,) * 3, 3: "E", 4: (ZERO,) * 3},
        {1: "N", 2: (IFDRational(91),) * 3, 3: "E", 4: (IFDRational(9),) * 3},
        {1: "N", 2: (IFDRational(9),) * 3, 3: "E", 4: (IFDRational(2000), IFDRational(0), IFDRational(0))},
        {1: "N", 2: (IFDRational(0),) * 3, 3: "E", 4: (IFDRational(0),) * 3},
        {2: (IFDRational(9),) * 3},
        {29: "2023:99:14", 7: (ZERO,) * 3},
    ],
    ids=["NaN", "latitude", "longitude", "zeros", "half", "time"],
)
def test_positions_that_are_none(gps: dict[int, object], pool: DecoderPool, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(made.jpeg(made.exif({0x0110: "X100"}, gps=gps)))
    assert _described(pool, tmp_path / "a.jpg") == Metadata(camera="X100")


@pytest.mark.parametrize("year", ["0000", "0001", "1000", "9999", "99999"])
def test_years_that_no_file_was_made_in(year: str, pool: DecoderPool, tmp_path: Path) -> None:
    camera = {0x9003: f"{year}:07:14 15:30:05"}
    (tmp_path / "a.jpg").write_bytes(made.jpeg(made.exif({0x0110: "X100"}, camera)))
    assert _described(pool, tmp_path / "a.jpg") == Metadata(camera="X100")


def test_texts_in_wrong_encodings(pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(made.jpeg(made.exif({0x010E: b"caf\xe9 \x01\x02\x7f"}), iptc=b"\x1c\x02\x05\0\4\xff\xfe\xfd\xfc"))
    found = _described(pool, path)
    assert (found.caption, found.title) == ("café", "ÿþýü")
    said = {"title": "a.jpg", "description": "a\ud800b\0c", "people": [{"name": 5}, 7, {"name": "\udfff"}]}
    (tmp_path / "a.jpg.json").write_text(json.dumps({**said, "photoTakenTime": {"timestamp": "9" * 400}}))
    path.write_bytes(made.jpeg())
    assert _described(pool, path) == Metadata(caption="a?b c", keywords=("?",))


def test_a_takeout_of_nonsense(pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(made.jpeg())
    for said in (
        {"geoData": {"latitude": float("nan"), "longitude": 5}, "people": {"name": "x"}, "photoTakenTime": 5},
        {"geoData": [1, 2], "people": [[]], "photoTakenTime": {"timestamp": None}},
        {"geoData": {"latitude": "5", "longitude": 5}, "description": ["x"], "photoTakenTime": {"timestamp": "1e9"}},
        {"geoData": {"latitude": 10**400, "longitude": 5}},
    ):
        (tmp_path / "a.jpg.json").write_text(json.dumps({"title": "a.jpg", **said}))
        assert _described(pool, path) == NO_METADATA, said


def _sent(**changed: object) -> dict[str, object]:
    return {"modality": "image", "mime": "image/png", "duration": None, "metadata": json.dumps(changed)}


def test_a_worker_that_lies_is_refused() -> None:
    assert _info(_sent(title="Dog", year=1999, latitude=1.5, longitude=2.5)).metadata.title == "Dog"
    lies: list[dict[str, object]] = [
        {"title": "x" * (MAX_TEXT + 1)},
        {"title": "\ud800"},
        {"title": 5},
        {"keywords": ["x"] * (MAX_KEYWORDS + 1)},
        {"keywords": [5]},
        {"keywords": "abc"},
        {"latitude": 91.0, "longitude": 0.0},
        {"latitude": float("nan"), "longitude": 0.0},
        {"latitude": 5.0},
        {"time": "9999-01-01T00:00:00"},
        {"time": "soon"},
        {"time": 5},
        {"year": 5},
        {"year": True},
        {"rating": 6},
        {"language": "<b>"},
    ]
    for lie in lies:
        with pytest.raises(WireError):
            _info(_sent(**lie))
    texts: list[object] = ["[", "[]", "5", "[" * 100_000, None, 5, {}]
    for text in texts:
        with pytest.raises(WireError):
            _info({**_sent(), "metadata": text})
