"""What must not work, and the reason that is told for it. Their good twins are in test_formats."""

import os
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from omnisearch.errors import MediaError, Reason
from omnisearch.media.pool import DecoderPool
from tests.media import makers


def _png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def _wav(rate: int, channels: int = 1) -> bytes:
    return makers.riff_wave(bytes(4000 * channels), rate, channels)


def _npy(array: np.ndarray) -> Callable[[Path], None]:
    return lambda path: np.save(path, array, allow_pickle=True)


def _ply(count: int) -> bytes:
    names = "".join(f"property float {axis}\n" for axis in "xyz")
    return f"ply\nformat binary_little_endian 1.0\nelement vertex {count}\n{names}end_header\n".encode() + bytes(120)


HOSTILE: dict[str, tuple[str, bytes | Callable[[Path], None], set[Reason]]] = {
    "empty": ("a.jpg", b"", {Reason.EMPTY}),
    "random": ("a.jpg", bytes(range(128, 256)) * 20, {Reason.DAMAGED}),
    "169 megapixels": ("a.png", _png_header(13000, 13000), {Reason.TOO_MANY_PIXELS}),
    "a line of pixels": ("a.png", _png_header(30000, 1), {Reason.DEGENERATE_ASPECT}),
    "EPS named jpg": ("a.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", {Reason.DAMAGED}),
    "no samples": ("a.wav", lambda p: makers.write_silent_wav(p, 0), {Reason.TOO_SHORT}),
    "one sample": ("a.wav", lambda p: makers.write_silent_wav(p, 1), {Reason.TOO_SHORT}),
    "1 Hz": ("a.wav", _wav(1), {Reason.BAD_SAMPLE_RATE}),
    "4e9 Hz": ("a.wav", _wav(4_000_000_000), {Reason.BAD_SAMPLE_RATE, Reason.DAMAGED}),
    "100 channels": ("a.wav", _wav(8000, 100), {Reason.BAD_CHANNELS}),
    "samples of no known kind": ("a.wav", makers.riff_wave(bytes(9000), tag=0x1234), {Reason.UNSUPPORTED_FORMAT}),
    "half an Ogg for samples": (
        "a.wav",
        makers.riff_wave(b"OggS" + bytes(9000), tag=makers.OGG),
        {Reason.UNSUPPORTED_FORMAT},
    ),
    "NaN sound": (
        "a.wav",
        lambda p: soundfile.write(p, np.full(9000, np.nan, np.float32), 8000, subtype="FLOAT"),
        {Reason.NON_FINITE},
    ),
    "playlist named mp4": (
        "a.mp4",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n",
        {Reason.DAMAGED},
    ),
    "playlist behind an ftyp": (
        "a.mp4",
        b"\0\0\0\x10ftypisom\0\0\0\0#EXTM3U\n#EXTINF:1,\na.mp4\n",
        {Reason.DAMAGED, Reason.NO_VIDEO_STREAM},
    ),
    "concat list": ("a.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n", {Reason.DAMAGED}),
    "PLY of 1e9 vertices": ("a.ply", _ply(10**9), {Reason.DAMAGED}),
    "STL of 4e9 faces": ("a.stl", bytes(80) + b"\xff\xff\xff\xff" + bytes(100), {Reason.DAMAGED}),
    "OBJ face out of range": ("a.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 99\n", {Reason.DAMAGED}),
    "pickled npy": ("a.npy", _npy(np.array([{"a": 1}], dtype=object)), {Reason.OBJECT_DTYPE}),
    "raw pickle": ("a.npy", pickle.dumps({"a": 1}), {Reason.DAMAGED}),
    "npy of rank 3": ("a.npy", _npy(np.zeros((3, 3, 3))), {Reason.BAD_SHAPE}),
    "npy of NaN": ("a.npy", _npy(np.full((99, 3), np.nan)), {Reason.NON_FINITE}),
    "npy of one place": ("a.npy", _npy(np.ones((99, 3))), {Reason.DEGENERATE_EXTENT}),
    "npy of two points": ("a.npy", _npy(np.eye(3)[:2]), {Reason.NO_VERTICES}),
    "npy that lies": (
        "a.npy",
        b"\x93NUMPY\x01\0\x76\0" + b"{'descr':'<f4','fortran_order':False,'shape':(4000000,3),}".ljust(117) + b"\n",
        {Reason.BAD_SHAPE},
    ),
    "zip": ("a.zip", b"PK\x03\x04" + bytes(60), {Reason.UNSUPPORTED_FORMAT}),
    "no text in any encoding": ("a.txt", bytes(range(1, 32)) * 9 + b"\xff", {Reason.UNDECODABLE_TEXT}),
    "NULs": ("a.txt", b"\0\0\0", {Reason.EMPTY_TEXT}),
    "blank": ("a.txt", b" \n\t \n", {Reason.EMPTY_TEXT}),
    "broken PDF": ("a.pdf", b"%PDF-1.4\nnothing here", {Reason.DAMAGED}),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_refused_with_its_reason(case: str, pool: DecoderPool, tmp_path: Path) -> None:
    name, content, reasons = HOSTILE[case]
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)
    with pytest.raises(MediaError) as caught:
        list(pool.decode(path).pieces)
    assert caught.value.reason in reasons, caught.value


def test_what_is_not_a_regular_file(pool: DecoderPool, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "loop.png").symlink_to("loop.png")
    makers.write_image(tmp_path / "real.png", "PNG")
    (tmp_path / "link.png").symlink_to("real.png")
    expected = {
        "fifo.png": Reason.NOT_REGULAR,
        "folder.png": Reason.NOT_REGULAR,
        "loop.png": Reason.LINK_LOOP,
        "gone.png": Reason.VANISHED,
    }
    for name, reason in expected.items():
        with pytest.raises(MediaError) as caught:
            pool.decode(tmp_path / name)
        assert caught.value.reason is reason
    assert len(list(pool.decode(tmp_path / "link.png").pieces)) == 1
    with pytest.raises(MediaError) as caught:
        pool.decode(tmp_path / "link.png", follow_links=False)
    assert caught.value.reason is Reason.NOT_REGULAR


def test_no_mutant_of_a_good_file_harms_the_pool(pool: DecoderPool, tmp_path: Path) -> None:
    makers.picture().save(tmp_path / "good.png")
    makers.write_sound(tmp_path / "good.flac", 1)
    makers.write_mesh(tmp_path / "good.glb")
    rng = np.random.default_rng(5)
    refused = []
    for good in ("good.png", "good.flac", "good.glb"):
        data = np.frombuffer((tmp_path / good).read_bytes(), np.uint8)
        for _ in range(15):
            mutant = data.copy()
            mutant[rng.integers(0, len(mutant), 8)] = rng.integers(0, 256, 8)
            path = tmp_path / f"mutant{Path(good).suffix}"
            path.write_bytes(mutant.tobytes())
            try:
                list(pool.decode(path).pieces)
            except MediaError as error:
                refused.append(error.reason)
        assert len(list(pool.decode(tmp_path / good).pieces)) == 1
    assert len(refused) > 5
    assert not {Reason.DECODER_CRASHED, Reason.TIMEOUT} & set(refused)
