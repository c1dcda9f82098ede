"""Sound: mono segments, streamed."""

import contextlib
from collections.abc import Iterator
from io import SEEK_CUR, BytesIO
from typing import Any, BinaryIO, Literal

import numpy as np

from omnisearch.errors import MediaError, Reason
from omnisearch.media.container import check_decoder, open_container, seconds
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.packets import Packets
from omnisearch.media.segmentation import Segmentation, cut_samples
from omnisearch.media.slices import check_seconds
from omnisearch.types import Decoded, Floats, MediaInfo, Modality, Piece, Stretch, Waveform

MIN_RATE, MAX_RATE = 1_000, 384_000
KEPT_RATE = 48_000
MAX_CHANNELS = 8
MIN_SECONDS = 0.01
MAX_SECONDS = 1e9
_BLOCK = 65536
_MOST_CHUNKS = 256  # of a WAVE file, in which its format and its samples are searched for
_FORMAT_BYTES = 14  # of the shortest format chunk of a WAVE file
_SNDFILE = {"wav", "w64", "flac", "aiff", "au", "caf", "ogg", "mp3"}


def decode(source: Source, kind: Kind, cut: Segmentation) -> Decoded:
    """Stream the sound as segments of at most 48 kHz.

    Raises:
        MediaError: bad_sample_rate, bad_channels, no_audio_stream, unsupported_format, bad_slice or decode_error here;
            too_short and non_finite while the pieces are read.
    """
    notes: list[str] = []
    duration, rate, blocks = _open(source, kind, notes)
    if isinstance(source.slice, Stretch):
        check_seconds(source.slice, duration)
        duration, blocks = source.slice.end - source.slice.start, stretch(blocks, rate, source.slice)
    kept = min(rate, KEPT_RATE)
    segments = cut_samples(checked(resampled(blocks, rate), kept), kept, cut)
    pieces = (Piece(segment, Waveform(samples, kept)) for segment, samples in segments)
    return Decoded(MediaInfo(Modality.AUDIO, kind.mime, duration), pieces, notes)


def samples(source: Source, kind: Kind) -> tuple[int, Iterator[Floats]]:
    """Return the sample rate, at most 48 kHz, and the mono samples of a sound or of the sound track of a film.

    Raises:
        MediaError: as `decode`.
    """
    _, rate, blocks = _open(source, kind, [])
    kept = min(rate, KEPT_RATE)
    return kept, checked(resampled(blocks, rate), kept)


def check_format(rate: int, channels: int) -> None:
    """Refuse a sample rate or a number of channels that no real recording has.

    Raises:
        MediaError: bad_sample_rate or bad_channels.
    """
    if not MIN_RATE <= rate <= MAX_RATE:
        raise MediaError(Reason.BAD_SAMPLE_RATE, f"{rate} Hz, allowed are {MIN_RATE} to {MAX_RATE}")
    if not 1 <= channels <= MAX_CHANNELS:
        raise MediaError(Reason.BAD_CHANNELS, f"{channels} channels, allowed are 1 to {MAX_CHANNELS}")


def stretch(blocks: Iterator[Floats], rate: int, part: Stretch) -> Iterator[Floats]:
    """Yield the samples between the start and the end of `part`, exact to one sample."""
    start, end, at = round(part.start * rate), round(part.end * rate), 0
    for block in blocks:
        inside = block[max(0, start - at) : max(0, end - at)]
        if len(inside):
            yield inside
        at += len(block)
        if at >= end:
            return


def resampled(blocks: Iterator[Floats], rate: int) -> Iterator[Floats]:
    """Yield the blocks, resampled to 48 kHz if `rate` is higher."""
    if rate <= KEPT_RATE:
        yield from blocks
        return
    import soxr  # not through librosa, which resamples whole sounds only

    stream = soxr.ResampleStream(rate, KEPT_RATE, 1, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def checked(blocks: Iterator[Floats], rate: int) -> Iterator[Floats]:
    """Yield the blocks, clipped to [-1, 1], and check that all samples are finite.

    Raises:
        MediaError: non_finite; too_short after the last block of a stream under 10 ms.
    """
    count = 0
    for block in blocks:
        if not np.isfinite(block).all():
            raise MediaError(Reason.NON_FINITE, "a sample is not a finite number")
        count += len(block)
        yield np.clip(block, -1, 1)
    if count < MIN_SECONDS * rate:
        raise MediaError(Reason.TOO_SHORT, f"{count} samples at {rate} Hz")


def mono(frame: Any) -> Floats:
    """The samples of an FFmpeg audio frame in format fltp, float32 (n,), channels averaged."""
    channels = [np.frombuffer(plane, np.float32, frame.samples) for plane in frame.planes]
    averaged: Floats = sum(channels[1:], channels[0].copy()) / np.float32(len(channels))
    return averaged


def _open(source: Source, kind: Kind, notes: list[str]) -> tuple[float | None, int, Iterator[Floats]]:
    sound = _open_sndfile(source.file) if kind.format in _SNDFILE else None
    if sound is None:
        return _open_container(source, kind, notes)
    check_format(sound.samplerate, sound.channels)
    blocks = _sndfile_blocks(sound, source, kind, notes)
    return sound.frames / sound.samplerate, sound.samplerate, blocks


def _open_sndfile(file: BinaryIO) -> Any:
    """Open with libsndfile; None if it fails. FFmpeg may read variants that libsndfile lacks (mu-law, odd headers)."""
    import soundfile

    with contextlib.suppress(soundfile.LibsndfileError):
        return soundfile.SoundFile(file)
    with contextlib.suppress(soundfile.LibsndfileError):
        return soundfile.SoundFile(BytesIO(_wrapped_ogg(file)))
    return None


def _wrapped_ogg(file: BinaryIO) -> bytes:
    """Return the Ogg file inside a WAVE file, as Vorbis encoders of Windows wrote it; empty if there is none.

    Its format tag is "Og", which neither libsndfile nor FFmpeg supports.
    """
    length = _seek_chunk(file, b"data")
    if length is None or file.read(4) != b"OggS":
        return b""
    file.seek(-4, SEEK_CUR)
    return file.read(length)


def _seek_chunk(file: BinaryIO, name: bytes) -> int | None:
    """Seek to the content of the first chunk of this name, and return its length in bytes; None if there is none."""
    order = _byte_order(file)
    file.seek(12)
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return None
        length = int.from_bytes(head[4:], order)
        if head[:4] == name:
            return length
        file.seek(length + length % 2, SEEK_CUR)
    return None


def _byte_order(file: BinaryIO) -> Literal["big", "little"]:
    file.seek(0)
    return "big" if file.read(4) == b"RIFX" else "little"


def _sndfile_blocks(sound: Any, source: Source, kind: Kind, notes: list[str]) -> Iterator[Floats]:
    """Read with libsndfile. It stops at the first damage; FFmpeg continues from there and skips damaged packets."""
    import soundfile

    count = 0
    try:
        while len(block := sound.read(_BLOCK, dtype="float32", always_2d=True)):
            yield block.mean(axis=1, dtype=np.float32)
            count += len(block)
    except soundfile.LibsndfileError:
        _, rate, blocks = _open_container(source, kind, notes)
        yield from stretch(blocks, rate, Stretch(count / rate, MAX_SECONDS))
        notes[:] = notes or ["partly read: some of its data are damaged and were skipped"]


def _open_container(source: Source, kind: Kind, notes: list[str]) -> tuple[float | None, int, Iterator[Floats]]:
    if kind.format == "wav":
        _check_byte_order(source.file)
    container = open_container(source.file)
    if not container.streams.audio:
        raise MediaError(Reason.NO_AUDIO_STREAM, f"a {kind.format} file without sound")
    stream = container.streams.audio[0]
    check_decoder(stream)
    if kind.format == "wav" and (written := _wave_format(source.file)):
        check_format(*written)
    check_format(stream.rate or 0, stream.channels or 0)
    return seconds(container), stream.rate, _container_blocks(container, stream, notes)


def _check_byte_order(file: BinaryIO) -> None:
    """Refuse a RIFX file. FFmpeg takes its samples for little-endian ones, and would decode noise.

    Raises:
        MediaError: unsupported_format; damaged, bad_sample_rate or bad_channels if its header is wrong.
    """
    if _byte_order(file) == "big":
        written = _wave_format(file)
        if written is None:
            raise MediaError(Reason.DAMAGED, "wav: the format of its samples is missing")
        check_format(*written)
        raise MediaError(Reason.UNSUPPORTED_FORMAT, "a big-endian WAVE file of samples that libsndfile does not decode")


def _wave_format(file: BinaryIO) -> tuple[int, int] | None:
    """Read sample rate and channel count from a WAVE file, because FFmpeg drops invalid values; None without them."""
    place, order = file.tell(), _byte_order(file)
    head = b"" if _seek_chunk(file, b"fmt ") is None else file.read(_FORMAT_BYTES)
    file.seek(place)
    if len(head) < _FORMAT_BYTES:
        return None
    return int.from_bytes(head[4:8], order), int.from_bytes(head[2:4], order)


def _container_blocks(container: Any, stream: Any, notes: list[str]) -> Iterator[Floats]:
    from av import AudioResampler

    planar = AudioResampler(format="fltp", rate=stream.rate)
    packets = Packets(container, stream)
    duration, count = seconds(container), 0
    with container:
        for _, frame in packets:
            for block in map(mono, planar.resample(frame)):
                count += len(block)
                yield block
        yield from map(mono, planar.resample(None))
    if packets.skipped and not count:
        raise MediaError(Reason.DAMAGED, f"none of {packets.read} packets could be decoded")
    notes += packets.notes(count / stream.rate, duration)
