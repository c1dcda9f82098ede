"""Damaged and incomplete sounds and films: what decodes is indexed, and a note says what is missing."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import av.error
import numpy as np
import pytest

from omnisearch.errors import MediaError, Reason
from omnisearch.media.packets import Packets
from omnisearch.media.pool import DecoderPool
from omnisearch.types import Decoded, Modality, Piece
from tests.media import makers


def _read(pool: DecoderPool, path: Path) -> tuple[Decoded, list[Piece]]:
    decoded = pool.decode(path)
    return decoded, list(decoded.pieces)


def _cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])
    return path


def _index_first(path: Path) -> Path:
    """Write an mp4 again with its index before its media, as downloads have it."""
    first = path.with_stem(f"{path.stem}-first")
    with av.open(str(path)) as source, av.open(str(first), "w", options={"movflags": "+faststart"}) as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return first


def _damage(path: Path, kind: str, count: int) -> Path:
    """Overwrite the data of `count` packets in the middle of a stream of `kind`."""
    with av.open(str(path)) as source:
        (stream,) = [stream for stream in source.streams if stream.type == kind]
        packets = [(packet.pos, packet.size) for packet in source.demux(stream) if packet.size]
    data, rng = bytearray(path.read_bytes()), np.random.default_rng(5)
    middle = len(packets) // 2
    for position, size in packets[middle : middle + count]:
        data[position : position + size] = rng.bytes(size)
    path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_a_film_cut_at_95_percent(suffix: str, pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_video(tmp_path / f"a.{suffix}", 20, sound=20)
    decoded, pieces = _read(pool, _cut(_index_first(tmp_path / f"a.{suffix}"), 0.95))
    assert decoded.info.modality is Modality.VIDEO
    assert 16 < (pieces[-1].segment.end or 0) < 19.5
    assert [note for note in decoded.notes if note.startswith("partly read: ") and "of 20.0 seconds" in note]


def test_bad_sound_in_a_film_whose_pictures_all_decode(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_video(tmp_path / "a.mp4", 4, sound=4)
    decoded, (piece,) = _read(pool, _damage(tmp_path / "a.mp4", "audio", 10))
    assert len(piece.content.frames) == 8  # type: ignore[union-attr]
    (note,) = decoded.notes
    assert "packets are damaged and were skipped" in note


@pytest.mark.parametrize("suffix", ["m4a", "flac"])
def test_a_cut_sound(suffix: str, pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "flac":
        makers.write_sound(path, 20, 44100)
    else:
        makers.write_video(tmp_path / "a.mp4", 0, sound=20, fps=0)
        path = _index_first((tmp_path / "a.mp4").rename(path))
    decoded, pieces = _read(pool, _cut(path, 0.8))
    assert decoded.info.modality is Modality.AUDIO
    assert 14 < (pieces[-1].segment.end or 0) < 19
    assert any(note.startswith("partly read: ") for note in decoded.notes)


def test_damage_inside_a_flac(pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    makers.write_sound(path, 8, 44100)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = np.random.default_rng(1).bytes(600)
    path.write_bytes(bytes(data))
    decoded, (piece,) = _read(pool, path)
    assert piece.content.seconds > 7  # type: ignore[union-attr]
    # What lies before the damage is there as it was.
    np.testing.assert_allclose(piece.content.samples[:80_000], makers.tone(8, 44100)[:80_000], atol=1e-4)  # type: ignore[union-attr]
    assert decoded.notes[0].startswith("partly read: ")


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_a_film_without_its_index_is_incomplete(suffix: str, pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / f"a.{suffix}"
    makers.write_video(path, 3)  # its index lies at the end
    for share in (0.9, 0.5):
        with pytest.raises(MediaError, match=r"incomplete file: its index \(moov\) is missing") as caught:
            pool.decode(_cut(path, share))
        assert caught.value.reason is Reason.DAMAGED


def test_whole_files_have_no_notes(pool: DecoderPool, tmp_path: Path) -> None:
    for suffix in ("mp4", "mkv", "webm"):
        makers.write_video(tmp_path / f"a.{suffix}", 3, sound=3, codec="libvpx" if suffix == "webm" else "mpeg4")
        assert _read(pool, tmp_path / f"a.{suffix}")[0].notes == []
    for suffix in ("flac", "mp3", "ogg"):
        makers.write_sound(tmp_path / f"a.{suffix}", 3)
        assert _read(pool, tmp_path / f"a.{suffix}")[0].notes == []


class _Decoder:
    """A container of one stream whose decoder ends at an empty packet, as FFmpeg's do."""

    def __init__(self, sizes: list[int]) -> None:
        self._sizes, self._ended = sizes, False

    def demux(self, _stream: str) -> Iterator[Any]:
        for pts, size in enumerate(self._sizes):
            yield SimpleNamespace(size=size, pts=pts, stream="film", decode=lambda size=size: self._decode(size))
        yield SimpleNamespace(size=0, pts=None, stream="film", decode=lambda: ["last"])

    def _decode(self, size: int) -> list[str]:
        if self._ended:
            raise av.error.ArgumentError(22, "Invalid argument")
        self._ended = size == 0
        return ["frame"] if size else []


def test_an_empty_packet_does_not_end_the_stream() -> None:
    packets = Packets(_Decoder([9, 0, 9, 0, 0, 9]), "film")
    assert [frame for _, frame in packets] == ["frame"] * 3 + ["last"]
    assert (packets.read, packets.skipped) == (3, 0)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg to write Theora")
def test_theora_that_repeats_pictures(pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / "a.ogv"
    chain = "select='not(mod(n,3))',fps=25"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=3", "-vf", chain, "-c:v", "libtheora", path],
        check=True,
    )
    decoded, (piece,) = _read(pool, path)
    assert len(piece.content.frames) == 8  # type: ignore[union-attr]
    assert decoded.notes == []


def test_a_wave_of_65535_channels_names_them(pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(makers.riff_wave(bytes(4000), 8000, 65535))
    with pytest.raises(MediaError, match=r"bad_channels.*\(65,?535 channels"):
        pool.decode(path)
