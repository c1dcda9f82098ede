"""Slices: what is written is what is read, and a slice decodes to exactly that part of the file."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from omnisearch.errors import MediaError, QueryError, Reason
from omnisearch.media.pool import DecoderPool
from omnisearch.query.slices import parse_slice
from omnisearch.types import Clip, Content, Modality, Page, Region, Slice, Stretch, Waveform
from tests.media import makers

RATE = 8000
tenths = st.integers(0, 5000).map(lambda n: n / 10)
shares = st.integers(1, 1000).map(lambda n: n / 1000)
slices = st.one_of(
    st.tuples(tenths, tenths).filter(lambda t: t[0] < t[1]).map(lambda t: Stretch(*t)),
    st.tuples(*[st.integers(1, 9999)] * 4).map(lambda t: Region(*map(float, t))),
    st.tuples(*[shares] * 4).map(lambda t: Region(*t, relative=True)),
    st.integers(1, 500).map(Page),
)


@given(slices)
def test_what_is_written_is_what_is_read(part: Slice) -> None:
    assert parse_slice(str(part)) == part


@pytest.mark.parametrize("text", ["", "example.org", "2x", "p", "1,2,3", "-3-4", "1-2-3", "p3a", "1e3-2e3"])
def test_other_words_are_no_slices(text: str) -> None:
    assert parse_slice(text) is None


@pytest.mark.parametrize("text", ["3-3", "5-3", "0,0,0,5", "1,1,2,0", "p0"])
def test_a_slice_without_extent_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match=f"@{text} has no extent"):
        parse_slice(text)


def only(pool: DecoderPool, path: Path, part: Slice) -> Content:
    (piece,) = pool.decode(path, slice_=part).pieces
    return piece.content


@pytest.mark.parametrize(("start", "end"), [(0, 1.5), (2.25, 7), (29.5, 31.25), (59, 60)])
def test_a_stretch_of_a_sound_is_exact_to_the_sample(
    pool: DecoderPool, tmp_path: Path, start: float, end: float
) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 60 * RATE).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", samples, RATE, subtype="FLOAT")
    found = only(pool, tmp_path / "noise.wav", Stretch(start, end))
    assert isinstance(found, Waveform)
    np.testing.assert_array_equal(found.samples, samples[round(start * RATE) : round(end * RATE)])


def test_a_long_stretch_is_cut_like_a_file_of_its_own(pool: DecoderPool, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 60 * RATE).astype(np.float32)
    soundfile.write(tmp_path / "whole.wav", samples, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "part.wav", samples[5 * RATE : 45 * RATE], RATE, subtype="FLOAT")
    sliced = list(pool.decode(tmp_path / "whole.wav", slice_=Stretch(5, 45)).pieces)
    alone = list(pool.decode(tmp_path / "part.wav").pieces)
    assert [piece.segment for piece in sliced] == [piece.segment for piece in alone]
    for one, other in zip(sliced, alone, strict=True):
        assert isinstance(one.content, Waveform)
        assert isinstance(other.content, Waveform)
        np.testing.assert_array_equal(one.content.samples, other.content.samples)


def test_a_stretch_of_a_video_has_its_pictures_and_its_sound(pool: DecoderPool, tmp_path: Path) -> None:
    """12 s: red, green and blue for 4 s each, with a low, a middle and a high tone."""
    colors, tones = [(220, 30, 30), (30, 160, 30), (30, 60, 220)], [200, 800, 3000]
    makers.write_scenes(tmp_path / "a.mp4", list(zip(colors, tones, strict=True)), 4.0)
    for n in range(3):
        clip = only(pool, tmp_path / "a.mp4", Stretch(4 * n + 1, 4 * n + 3))
        assert isinstance(clip, Clip)
        assert 2 <= len(clip.frames) <= 8
        assert np.abs(clip.frames.mean(axis=(0, 1, 2)) - colors[n]).max() < 25
        assert clip.sound is not None
        assert clip.sound.seconds == pytest.approx(2, abs=0.01)
        spectrum = np.abs(np.fft.rfft(clip.sound.samples))
        peak = np.fft.rfftfreq(len(clip.sound.samples), 1 / clip.sound.rate)[spectrum.argmax()]
        assert peak == pytest.approx(tones[n], rel=0.05)


def test_a_region_is_cut_out_before_the_picture_shrinks(pool: DecoderPool, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "big.png")
    found = only(pool, tmp_path / "big.png", Region(1100, 700, 300, 200))
    np.testing.assert_array_equal(found, pixels[700:900, 1100:1400])
    found = only(pool, tmp_path / "big.png", Region(0.5, 0.2, 0.1, 0.1, relative=True))
    np.testing.assert_array_equal(found, pixels[300:450, 1000:1200])


def test_a_region_counts_in_the_upright_picture(pool: DecoderPool, tmp_path: Path) -> None:
    image = Image.new("RGB", (60, 40), (30, 60, 220))
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    image.save(tmp_path / "turned.png", exif=exif)
    assert np.shape(only(pool, tmp_path / "turned.png", Region(0, 0, 40, 60))) == (60, 40, 3)


def test_a_page_of_a_pdf(pool: DecoderPool, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(makers.pdf_of(["one dog", "two cats", "three birds"]))
    assert only(pool, tmp_path / "a.pdf", Page(2)) == "two cats"


@pytest.mark.parametrize(
    ("name", "part", "said"),
    [
        ("a.wav", Stretch(1.5, 3), "@1.5-3 is outside of 0-2 seconds"),
        ("a.wav", Stretch(5, 6), "@5-6 is outside of 0-2 seconds"),
        ("a.png", Region(30, 0, 20, 20), "@30,0,20,20 is outside of 40 x 30 pixels"),
        ("a.png", Region(0, 0, 0.001, 0.5, relative=True), "holds no pixel of 40 x 30"),
        ("a.pdf", Page(9), "@p9 is outside of 1 pages"),
        ("a.png", Stretch(1, 2), "@1-2 is a part of audio or video, and the file is image"),
        ("a.wav", Page(1), "@p1 is a part of text, and the file is audio"),
        ("a.txt", Page(1), "@p1 is a page of a PDF or a slide, and the file is text/plain"),
    ],
)
def test_what_a_file_does_not_have_is_refused_with_what_it_has(
    pool: DecoderPool, tmp_path: Path, name: str, part: Slice, said: str
) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(2 * RATE, 0.1), RATE)
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    (tmp_path / "a.pdf").write_bytes(makers.pdf("one"))
    (tmp_path / "a.txt").write_text("words")
    with pytest.raises(MediaError) as caught:
        list(pool.decode(tmp_path / name, slice_=part).pieces)
    assert caught.value.reason is Reason.BAD_SLICE
    assert said in caught.value.detail


def test_every_kind_of_slice_has_its_modality(pool: DecoderPool, tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    assert pool.decode(tmp_path / "a.png", slice_=Region(0, 0, 5, 5)).info.modality is Modality.IMAGE
