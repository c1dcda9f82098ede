"""Segments cover everything, in order, and hold exactly what the whole holds there."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.media.detect import detect
from omnisearch.media.file import Source, content_hash, open_file
from omnisearch.media.pool import DecoderPool
from omnisearch.media.segmentation import Segmentation, cut_samples
from omnisearch.media.texts.clean import clean
from omnisearch.media.texts.passages import passages
from tests.media import makers

CUT = Segmentation(seconds=10, overlap=2, characters=200, character_overlap=40)


@given(
    total=st.integers(1, 4000),
    rate=st.integers(5, 40),
    seconds=st.floats(1, 30),
    share=st.floats(0, 0.9),
    block=st.integers(1, 700),
)
def test_cut_samples_is_the_whole_seen_through_windows(
    total: int, rate: int, seconds: float, share: float, block: int
) -> None:
    cut = Segmentation(seconds, seconds * share, 1000, 100)
    whole = np.arange(total, dtype=np.float32)
    blocks = (whole[i : i + block] for i in range(0, total, block))
    found = list(cut_samples(blocks, rate, cut))
    if len(found) == 1:
        assert found[0][0].start is None
        np.testing.assert_array_equal(found[0][1], whole)
        assert total <= round(cut.seconds * rate) + round(cut.slack * rate)
        return
    covered = 0
    for number, (segment, samples) in enumerate(found):
        assert segment.index == number
        assert segment.start is not None
        assert segment.end is not None
        first, last = round(segment.start * rate), round(segment.end * rate)
        np.testing.assert_array_equal(samples, whole[first:last])
        assert first <= covered  # no gap
        covered = last
    assert covered == total


def test_the_cut_does_not_depend_on_the_blocks() -> None:
    whole = np.arange(5000, dtype=np.float32)
    runs = [
        [(s, w.tolist()) for s, w in cut_samples((whole[i : i + n] for i in range(0, 5000, n)), 40, CUT)]
        for n in (1, 333, 5000)
    ]
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.parametrize("channels", [1, 2])
def test_sound_segments_equal_the_file_decoded_at_once(channels: int, pool: DecoderPool, tmp_path: Path) -> None:
    samples = np.stack([makers.tone(33), makers.tone(33)[::-1]], axis=1)[:, :channels]
    soundfile.write(tmp_path / "a.flac", samples, makers.RATE)
    whole, _ = soundfile.read(tmp_path / "a.flac", dtype="float32", always_2d=True)
    whole = whole.mean(axis=1, dtype=np.float32)
    pieces = list(pool.decode(tmp_path / "a.flac").pieces)
    assert [p.segment.start for p in pieces] == [0, 8, 16, 24]
    assert pieces[-1].segment.end == 33
    for piece in pieces:
        first, last = (round(bound * makers.RATE) for bound in (piece.segment.start, piece.segment.end))
        np.testing.assert_array_equal(piece.content.samples, whole[first:last])


def test_high_rates_come_down_to_48_khz(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_sound(tmp_path / "a.wav", 2, rate=96000)
    (piece,) = pool.decode(tmp_path / "a.wav").pieces
    assert piece.content.rate == 48000
    expected = makers.tone(2, 48000)
    assert len(piece.content.samples) == pytest.approx(len(expected), abs=2)
    np.testing.assert_allclose(piece.content.samples[500:90000], expected[500:90000], atol=0.01)


def test_a_short_rest_joins_the_last_segment_of_a_video(pool: DecoderPool, tmp_path: Path) -> None:
    for seconds, count in ((11.5, 1), (12.5, 2)):  # a quarter of the hop of 8 s is 2 s
        makers.write_video(tmp_path / "a.mp4", seconds, sound=seconds, fps=4)
        pieces = list(pool.decode(tmp_path / "a.mp4").pieces)
        assert len(pieces) == count
        assert (pieces[0].segment.start is None) is (count == 1)


def test_long_video(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_video(tmp_path / "a.mkv", 27, sound=27, fps=4)
    decoded = pool.decode(tmp_path / "a.mkv")
    assert decoded.info.duration == pytest.approx(27, abs=0.5)
    pieces = list(decoded.pieces)
    whole = makers.tone(27, 48000)
    assert [p.segment.start for p in pieces] == [0, 8, 16]
    assert pieces[-1].segment.end == pytest.approx(27, abs=0.3)
    for piece in pieces:
        start, end = piece.segment.start, piece.segment.end
        assert 4 <= len(piece.content.frames) <= 8
        times = piece.content.frames[:, :, :8, 0].mean(axis=(1, 2)) / 20  # red tells the second
        if end <= 12:  # beyond, red is at its end
            assert (times > start - 0.7).all()
            assert (times < end + 0.7).all()
            assert (np.diff(times) > 0).all()
            assert times.max() - times.min() > 0.7 * (end - start)
        sound = piece.content.sound
        assert sound.seconds == pytest.approx(end - start, abs=0.3)
        heard, said = sound.samples[: 5 * 48000], whole[round(start * 48000) :][: 5 * 48000]
        lags = [float(heard[4800:-4800] @ np.roll(said, lag)[4800:-4800]) for lag in range(-2400, 2401, 12)]
        best = range(-2400, 2401, 12)[int(np.argmax(lags))]
        assert abs(best) < 2400, "the sound is not where the picture is"
        assert max(lags) > 0.8 * float(said[4800:-4800] @ said[4800:-4800])


@pytest.mark.parametrize(
    "seconds", [30, pytest.param(100, marks=pytest.mark.slow)]
)  # shorter and longer than one stream may run ahead
def test_sound_that_outlasts_the_picture_is_heard_over_the_last_one(
    seconds: int, pool: DecoderPool, tmp_path: Path
) -> None:
    makers.write_video(tmp_path / "a.mp4", seconds=1, sound=seconds)
    decoded = pool.decode(tmp_path / "a.mp4")
    pieces = list(decoded.pieces)
    ends = [piece.segment.end or 0.0 for piece in pieces]
    assert ends[-1] == pytest.approx(seconds, abs=0.2)
    assert all(later.segment.start <= end for later, end in zip(pieces[1:], ends, strict=False))
    for piece in pieces:
        assert piece.content.sound.seconds == pytest.approx(piece.segment.end - piece.segment.start, abs=0.1)
        assert np.abs(piece.content.sound.samples).max() > 0.1
    assert (pieces[-1].content.frames == pieces[0].content.frames[-1]).all()
    assert decoded.notes == []


@given(st.text(alphabet="ab .\n", max_size=3000))
def test_passages_cover_the_text_in_order(raw: str) -> None:
    text = "".join(clean([raw]))
    if not text:
        return
    covered = 0
    for piece in passages([("", text)], CUT):
        if piece.segment.start is None:
            assert piece.content == text
            return
        start, end = int(piece.segment.start), int(piece.segment.end or 0)
        assert piece.content == text[start:end]
        assert start <= covered < end
        assert end - start <= CUT.characters * 1.25
        covered = end
    assert covered == len(text)


@given(st.text(max_size=300))
def test_clean_text_is_stable_and_free_of_controls(raw: str) -> None:
    import unicodedata

    text = "".join(clean([raw]))
    assert "".join(clean([text])) == text
    assert unicodedata.is_normalized("NFC", text)
    assert not [c for c in text if unicodedata.category(c)[0] == "C" and c not in "\n\t"]


def test_passages_end_with_a_sentence() -> None:
    text = " ".join(f"This is sentence number {n}." for n in range(200))
    *pieces, _ = passages([("", text)], CUT)
    assert all(piece.content.rstrip().endswith(".") for piece in pieces)
    assert all(piece.content.startswith("This") for piece in pieces)


@pytest.mark.parametrize("name", ["a.wav", "a.png", "a.glb", "a.npy"])
def test_decoding_twice_gives_the_same(name: str, pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "a.wav":
        makers.write_sound(path, 25)
    elif name == "a.png":
        makers.write_image(path, "PNG")
    else:
        makers.write_mesh(path)
    from omnisearch.media.piece_codec import pack

    first, second = ([pack(piece) for piece in pool.decode(path).pieces] for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.body == other.body
        for array in one.arrays:
            np.testing.assert_array_equal(one.arrays[array], other.arrays[array])


def test_content_hash_is_of_the_content_alone(tmp_path: Path) -> None:
    from blake3 import blake3

    data = bytes(range(256)) * 40_000  # more than one block
    hashes = []
    for name in ("a.bin", "b.bin"):
        (tmp_path / name).write_bytes(data)
        fd = open_file(tmp_path / name)
        with os.fdopen(fd, "rb") as file:
            file.read(5)
            hashes.append(content_hash(fd))
    assert hashes == [blake3(data).hexdigest()] * 2


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("notes.txt", "v 1 2 3\nv 2 3 4\n", "txt"),
        ("shape.obj", "# x\nv 1 2 3\nv 2 3 4\n", "obj"),
        ("shape", "v 1 2 3\nv 2 3 4\nv 3 4 5\nf 1 2 3\n", "txt"),
        ("a.md", "# solid ground", "md"),
        ("a.stl", "solid x\nfacet normal 0 0 1\n", "stl"),
        ("a.off", "OFF\n3 1 0\n", "off"),
        ("a.gltf", '{"asset":{"version":"2.0"}}', "gltf"),
        ("page.txt", "<!DOCTYPE html><html>", "html"),
    ],
)
def test_the_extension_breaks_ties(name: str, text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    with (tmp_path / name).open("rb") as file:
        assert detect(Source(file, len(text), name)).format == expected
