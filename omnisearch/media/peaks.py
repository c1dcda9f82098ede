"""Peaks: the lowest and the highest sample in equal stretches of a sound, from which players draw its waveform."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from omnisearch.errors import MediaError, Reason
from omnisearch.media import audio
from omnisearch.media.detect import detect
from omnisearch.media.file import Source, check_size
from omnisearch.types import Floats, Modality

BUCKETS = 1000
_HELD = 65_536  # stretches; if there are more, neighbours are joined, so that memory is bounded
_FULL = 127


def peaks(source: Source) -> bytes | None:
    """Return JSON `{"duration": seconds, "min": [...], "max": [...]}` of a sound or a film; None if it has no sound.

    Both lists hold one number of -127 to 127, for samples of -1 to 1, for each of up to 1000 stretches.

    Raises:
        MediaError: as decoding the sound does.
    """
    kind = detect(source)
    check_size(kind, source.size)
    if kind.modality not in (Modality.AUDIO, Modality.VIDEO):
        return None
    try:
        rate, blocks = audio.samples(source, kind)
    except MediaError as error:
        if error.reason is Reason.NO_AUDIO_STREAM:
            return None
        raise
    count, lows, highs = _extremes(blocks)
    edges = np.linspace(0, len(lows), min(len(lows), BUCKETS) + 1).astype(np.int64)[:-1]
    low, high = np.minimum.reduceat(lows, edges), np.maximum.reduceat(highs, edges)
    found = {"duration": count / rate, "min": _bytes(low), "max": _bytes(high)}
    return json.dumps(found, separators=(",", ":")).encode()


def _extremes(blocks: Iterable[Floats]) -> tuple[int, Floats, Floats]:
    """The number of samples, and the lowest and the highest one in equal stretches; the last may be shorter."""
    stretch, count = 1, 0
    lows, highs = [np.zeros(0, np.float32)], [np.zeros(0, np.float32)]
    held, rest = 0, np.zeros(0, np.float32)
    for block in blocks:
        count += len(block)
        rest = np.concatenate([rest, block])
        whole = len(rest) // stretch * stretch
        rows, rest = rest[:whole].reshape(-1, stretch), rest[whole:]
        lows.append(rows.min(axis=1))
        highs.append(rows.max(axis=1))
        held += len(rows)
        while held > _HELD:
            low, high = np.concatenate(lows), np.concatenate(highs)
            if held % 2:  # an odd last stretch is carried over as its two extremes
                rest = np.concatenate([np.resize([low[-1], high[-1]], stretch).astype(np.float32), rest])
                low, high = low[:-1], high[:-1]
            lows, highs = [low.reshape(-1, 2).min(axis=1)], [high.reshape(-1, 2).max(axis=1)]
            held, stretch = held // 2, stretch * 2
    if len(rest):
        lows.append(rest.min(keepdims=True))
        highs.append(rest.max(keepdims=True))
    return count, np.concatenate(lows), np.concatenate(highs)


def _bytes(values: Floats) -> list[Any]:
    numbers: list[Any] = np.round(values * _FULL).astype(np.int8).tolist()
    return numbers
