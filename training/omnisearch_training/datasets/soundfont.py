"""Play notes of a sound font into files, in a pool of processes."""

import importlib.util
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from omnisearch.durable import written_aside
from omnisearch.errors import NotReadyError
from omnisearch.types import Floats

RATE = 44_100
HELD, RINGING = 2.0, 1.0  # seconds
_DRUM_BANK = 128
_QUIETEST = 1e-3


@dataclass(frozen=True)
class Note:
    """One key of a General MIDI program (0 to 127), or of the drums if `program` is None; `loudness` is 1 to 127."""

    program: int | None
    key: int
    loudness: int
    path: Path


def play(font: Path, notes: Sequence[Note]) -> Iterator[bool]:
    """Write every note as mono FLAC of three seconds; yield whether each is audible. An existing file is kept.

    Raises:
        NotReadyError: the player is not installed.
    """
    if importlib.util.find_spec("tinysoundfont") is None:
        # Its declared dependency is for playback and has no wheels for Linux; rendering does not need it.
        raise NotReadyError("playing sound fonts needs a package: pip install --no-deps tinysoundfont==0.3.7")
    context = multiprocessing.get_context("spawn")
    workers = min(4, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_load, initargs=(str(font),)) as pool:
        yield from pool.map(_play, notes, chunksize=16)


_player: Any = None
_font_id = 0


def _load(font: str) -> None:
    global _player, _font_id
    import tinysoundfont

    _player = tinysoundfont.Synth(samplerate=RATE)
    _font_id = _player.sfload(font, gain=-6.0)


def _play(note: Note) -> bool:
    if note.path.exists():
        return True
    drums = note.program is None
    channel = 9 if drums else 0
    _player.program_select(channel, _font_id, _DRUM_BANK if drums else 0, note.program or 0, drums)
    _player.noteon(channel, note.key, note.loudness)
    held = _mono(_player.generate(int(HELD * RATE)))
    _player.noteoff(channel, note.key)
    ringing = _mono(_player.generate(int(RINGING * RATE)))
    _player.sounds_off(channel)
    samples = np.concatenate([held, ringing])
    peak = float(np.abs(samples).max())
    if peak < _QUIETEST:
        return False
    with written_aside(note.path) as aside:
        soundfile.write(aside, samples * (0.9 / peak), RATE, format="FLAC")
    return True


def _mono(stereo: memoryview) -> Floats:
    samples = np.frombuffer(bytes(stereo), np.float32).reshape(-1, 2)
    return np.asarray(samples.mean(axis=1), np.float32)
