"""Sound to be transcribed: mono at 16 kHz, in blocks."""

from collections.abc import Iterator

import numpy as np

from omnisearch.media import audio
from omnisearch.media.container import open_container
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.material.wanted import BLOCK_SECONDS, RATE
from omnisearch.media.video import MAX_GAP, moving_pictures
from omnisearch.types import Floats, Modality, Piece, Segment, Waveform

_BLOCK = round(BLOCK_SECONDS * RATE)


def voice(source: Source, kind: Kind) -> Iterator[Piece]:
    """Yield the sound of a file, or the sound track of a video aligned with its pictures.

    Raises:
        MediaError: as `audio.samples`.
    """
    late = _late(source) if kind.modality is Modality.VIDEO else 0.0
    rate, blocks = audio.samples(source, kind)
    position = 0
    for samples in _blocks(_resampled(blocks, rate), late):
        end = position + len(samples)
        yield Piece(Segment(position // _BLOCK, position / RATE, end / RATE, "seconds"), Waveform(samples, RATE))
        position = end


def _late(source: Source) -> float:
    """The seconds by which the sound of a video starts later than its pictures."""
    with open_container(source.file) as container:
        pictures = moving_pictures(container)
        sounds = container.streams.audio
        if not pictures or not sounds:
            return 0.0
        starts = [
            float(stream.start_time * stream.time_base) if stream.start_time is not None else 0.0
            for stream in (pictures[0], sounds[0])
        ]
    return min(max(starts[1] - starts[0], 0.0), MAX_GAP)


def _resampled(blocks: Iterator[Floats], rate: int) -> Iterator[Floats]:
    import soxr

    stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def _blocks(stream: Iterator[Floats], late: float) -> Iterator[Floats]:
    """Cut the samples into blocks of 30 seconds after `late` seconds of silence."""
    held = [np.zeros(round(late * RATE), np.float32)]
    count = len(held[0])
    for samples in stream:
        held.append(samples)
        count += len(samples)
        if count < _BLOCK:
            continue
        joined = np.concatenate(held)
        while len(joined) >= _BLOCK:
            yield joined[:_BLOCK]
            joined = joined[_BLOCK:]
        held, count = [joined], len(joined)
    if count:
        yield np.concatenate(held)
