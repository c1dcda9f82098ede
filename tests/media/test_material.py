"""The material for reading: pictures, pages without text, frames, sound at 16 kHz, and subtitles."""

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from omnisearch.errors import MediaError
from omnisearch.media.languages import two_letter_code
from omnisearch.media.material import subtitles
from omnisearch.media.material.lyrics import lyrics
from omnisearch.media.material.subtitles import names_beside
from omnisearch.media.material.wanted import RATE, Wanted
from omnisearch.media.pool import DecoderPool
from omnisearch.types import Piece
from tests.media import makers

PICTURES, SOUND = Wanted("pictures"), Wanted("sound")


def pieces(pool: DecoderPool, path: Path, wanted: Wanted) -> list[Piece]:
    return list(pool.material(path, wanted).pieces)


def cues(pool: DecoderPool, path: Path, *beside: str) -> list[tuple[float | None, float | None, object, str]]:
    found = pieces(pool, path, Wanted("subtitles", beside=beside))
    return [(piece.segment.start, piece.segment.end, piece.content, piece.snippet) for piece in found]


def test_a_picture_is_larger_than_for_its_spaces(pool: DecoderPool, tmp_path: Path) -> None:
    makers.picture(3000, 1500).save(tmp_path / "a.png")
    (piece,) = pieces(pool, tmp_path / "a.png", Wanted("pictures", side=2560))
    assert np.shape(piece.content) == (1280, 2560, 3)


def scan() -> Image.Image:
    page = Image.new("L", (200, 300), "white")
    ImageDraw.Draw(page).rectangle((20, 40, 180, 60), fill="black")
    return page


def test_only_pages_without_text_are_rendered(pool: DecoderPool, tmp_path: Path) -> None:
    from pypdf import PdfWriter

    scanned, writer = io.BytesIO(), PdfWriter()
    scan().save(scanned, "PDF")
    for page in (io.BytesIO(makers.pdf("Plenty of words")), scanned, io.BytesIO(makers.pdf("And some more"))):
        writer.append(page)
    writer.write(tmp_path / "a.pdf")
    (piece,) = pieces(pool, tmp_path / "a.pdf", Wanted("pictures", side=600))
    assert piece.segment.index == 1
    page = np.asarray(piece.content)
    assert page.shape == (600, 400, 3)
    assert (page[100, 200].max(), page[300, 200].min()) == (0, 255)


def test_a_damaged_pdf_has_a_reason(pool: DecoderPool, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4\n" + bytes(100))
    with pytest.raises(MediaError, match="damaged"):
        pieces(pool, tmp_path / "a.pdf", PICTURES)


def write_slides(path: Path, seconds: tuple[int, ...]) -> None:
    """A film of ten frames a second: slides that are shown for some seconds each."""
    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 160, 96, "yuv420p", 2_000_000
        stream.codec_context.gop_size = 10
        for number, length in enumerate(seconds):
            slide = Image.new("RGB", (160, 96), "white")
            ImageDraw.Draw(slide).rectangle((10 + 40 * number, 20, 40 + 40 * number, 30), fill="black")
            for _ in range(10 * length):
                out.mux(stream.encode(av.VideoFrame.from_image(slide)))
        out.mux(stream.encode(None))


@pytest.mark.parametrize("keyframes", [False, True])
def test_a_slide_is_one_frame_for_as_long_as_it_is_shown(pool: DecoderPool, tmp_path: Path, keyframes: bool) -> None:
    write_slides(tmp_path / "a.mp4", (3, 4, 2))
    found = pieces(pool, tmp_path / "a.mp4", Wanted("pictures", gap=1.0, keyframes=keyframes))
    times = [(piece.segment.start, piece.segment.end) for piece in found]
    assert times == [(0.0, 3.0), (3.0, 7.0), (7.0, pytest.approx(9.0, abs=0.2))]


def test_frames_are_at_least_the_gap_apart(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_video(tmp_path / "a.mp4", 6.0)
    times = [piece.segment.start for piece in pieces(pool, tmp_path / "a.mp4", Wanted("pictures", gap=2.0))]
    assert times == [0.0, 2.0, 4.0]


def test_sound_comes_at_16_khz_in_blocks_without_gaps(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_sound(tmp_path / "a.wav", 61.0)
    found = pieces(pool, tmp_path / "a.wav", SOUND)
    assert [(piece.segment.start, piece.segment.end) for piece in found] == [(0, 30), (30, 60), (60, 61)]
    assert [(piece.content.rate, len(piece.content.samples) / RATE) for piece in found] == [  # type: ignore[union-attr]
        (RATE, 30), (RATE, 30), (RATE, 1)
    ]  # fmt: skip


def test_the_sound_of_a_film_is_aligned_with_its_pictures(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_video(tmp_path / "a.mkv", 2.0, sound=2.0)
    (piece,) = pieces(pool, tmp_path / "a.mkv", SOUND)
    assert piece.segment.end == pytest.approx(2.0, abs=0.1)


def test_a_film_without_sound_has_a_reason(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_video(tmp_path / "a.mp4", 0.5)
    with pytest.raises(MediaError, match="no_audio_stream"):
        pieces(pool, tmp_path / "a.mp4", SOUND)


SRT = "1\n00:00:01,000 --> 00:00:02,500\n<i>Good</i>\nmorning\n\n2\n00:00:03,000 --> 00:00:04,000\nWorld\n"
VTT = "WEBVTT\n\n00:01.000 --> 00:02.500\n<v Ann>Good morning\n\n00:03.000 --> 00:04.000\nWorld\n"
ASS = (
    "[Script Info]\nScriptType: v4.00+\n\n[Events]\n"
    "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,no words\n"
    "Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\\\b1}Good\\\\Nmorning\n"
    "Dialogue: 1,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\\\b1}Good\\\\Nmorning\n"
    "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,World\n"
).replace("\\\\", "\\")
LRC = "[ti:Song]\n[00:01.00]Good <00:01.5>morning\n[00:02.50]\n[00:03.00]World\n[00:04.00]\n"


@pytest.mark.parametrize(("suffix", "text"), [("srt", SRT), ("vtt", VTT), ("ass", ASS), ("lrc", LRC)])
def test_subtitles_beside_a_sound(pool: DecoderPool, tmp_path: Path, suffix: str, text: str) -> None:
    makers.write_sound(tmp_path / "a.wav", 1.0)
    name = f"a.en.{suffix}"
    (tmp_path / name).write_text(text)
    assert cues(pool, tmp_path / "a.wav", name) == [(1.0, 2.5, "Good morning", "en"), (3.0, 4.0, "World", "en")]


def test_subtitles_in_another_encoding(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_sound(tmp_path / "a.wav", 1.0)
    (tmp_path / "a.srt").write_bytes(SRT.replace("World", "Größe").encode("utf-16"))
    assert cues(pool, tmp_path / "a.wav", "a.srt")[1][2] == "Größe"


def test_subtitles_have_no_entities_and_nothing_that_a_terminal_obeys(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_sound(tmp_path / "a.wav", 1.0)
    (tmp_path / "a.srt").write_text(SRT.replace("World", "R&amp;D &lt;&#x9b;31m\x1b[31mred\x07 caf&eacute;"))
    assert cues(pool, tmp_path / "a.wav", "a.srt")[1][2].replace("\u203a", "") == "R&D <31m [31mred caf\u00e9"


@pytest.mark.parametrize("mebibytes", [5, pytest.param(100, marks=pytest.mark.slow)])
def test_damaged_and_endless_subtitles_have_a_note(pool: DecoderPool, tmp_path: Path, mebibytes: int) -> None:
    makers.write_sound(tmp_path / "a.wav", 1.0)
    (tmp_path / "a.srt").write_bytes(SRT.encode() + b"\n" * (mebibytes << 20))
    (tmp_path / "a.de.ass").write_bytes(bytes(range(256)) * 10)
    decoded = pool.material(tmp_path / "a.wav", Wanted("subtitles", beside=("a.de.ass", "a.srt")))
    assert [piece.content for piece in decoded.pieces] == ["Good morning", "World"]
    assert decoded.notes == [
        "the subtitles a.de.ass cannot be read",
        f"partly read: the first {subtitles.MAX_BYTES >> 20} MiB of the subtitles a.srt",
    ]


def write_subtitled(path: Path, codec: str) -> None:
    import av
    from av.subtitles.subtitle import SubtitleSet

    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        track = out.add_stream(codec)
        track.metadata["language"] = "ger"
        track.codec_context.subtitle_header = ASS.partition("Comment")[0].encode()
        frames = [av.VideoFrame.from_image(makers.picture()) for _ in range(50)]
        for frame in frames:
            out.mux(stream.encode(frame))
        for start, text in ((1, b"0,0,Default,,0,0,0,,{\\b1}Guten\\NMorgen"), (3, b"1,0,Default,,0,0,0,,Welt")):
            cue = SubtitleSet.create(text, start=0, end=1000, pts=start * 1_000_000)
            packet = track.codec_context.encode_subtitle(cue)
            packet.stream, packet.time_base = track, Fraction(1, 1000)
            packet.pts = packet.dts = start * 1000
            packet.duration = 1000
            out.mux(packet)
        out.mux(stream.encode(None))


@pytest.mark.parametrize(("suffix", "codec"), [("mkv", "srt"), ("mp4", "mov_text"), ("mkv", "ass")])
def test_subtitle_streams_of_a_film(pool: DecoderPool, tmp_path: Path, suffix: str, codec: str) -> None:
    path = tmp_path / f"a.{suffix}"
    write_subtitled(path, codec)
    assert cues(pool, path) == [(1.0, 2.0, "Guten Morgen", "de"), (3.0, 4.0, "Welt", "de")]


def test_names_beside_a_file() -> None:
    from pathlib import PurePosixPath

    names = ["a.srt", "a.en.srt", "a.mp4.VTT", "ab.srt", "a.txt", "a.mp4", "a.lrc"]
    assert names_beside(PurePosixPath("a.mp4"), names) == ("a.en.srt", "a.lrc", "a.mp4.VTT", "a.srt")


def test_language_codes() -> None:
    codes = {name: two_letter_code(name) for name in ("en", "eng", "pt-BR", "GER", "forced", "und", "zh-hans", "")}
    assert codes == {
        "en": "en",
        "eng": "en",
        "pt-BR": "pt",
        "GER": "de",
        "forced": "",
        "und": "",
        "zh-hans": "zh",
        "": "",
    }


def test_a_line_of_lyrics_may_be_sung_twice() -> None:
    assert list(lyrics("[00:01][00:05.5]la\n[00:03]lo")) == [(1, 3, "la"), (3, 5.5, "lo"), (5.5, 10.5, "la")]


def test_material_that_a_file_does_not_have(pool: DecoderPool, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("words")
    assert pieces(pool, tmp_path / "a.txt", PICTURES) == pieces(pool, tmp_path / "a.txt", SOUND) == []
