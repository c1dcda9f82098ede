"""Sounds with speech: sentences of several voices, with music and noise under them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from demo.words.voices import Speaker
from omnisearch.types import Floats

RATE = 22_050
_SCALE = (0, 2, 4, 7, 9)  # pentatonic: any of its notes sound well together


@dataclass(frozen=True)
class Sentence:
    """A sentence, and when it is said, in seconds."""

    text: str
    language: str
    voice: str
    start: float
    end: float


def music(random: np.random.Generator, seconds: float) -> Floats:
    """Return a melody over chords of plucked strings: (n,) at RATE, the loudest at 1."""
    total, beat = np.zeros(int(seconds * RATE), np.float32), float(random.uniform(0.3, 0.6))
    root = float(random.uniform(110, 180))
    for n in range(int(seconds / beat)):
        notes = [random.choice(_SCALE) + 12 * random.integers(1, 3), *([random.choice(_SCALE)] if n % 4 == 0 else [])]
        for note in notes:
            string = _plucked(root * 2 ** (float(note) / 12), 3 * beat)
            at = int(n * beat * RATE)
            total[at : at + len(string)] += string[: len(total) - at]
    return total / np.float32(np.abs(total).max())


def _plucked(frequency: float, seconds: float) -> Floats:
    time = np.arange(int(seconds * RATE), dtype=np.float32) / RATE
    parts = [np.sin(2 * np.pi * frequency * k * time) * np.exp(-(2 + k) * time) / k for k in range(1, 7)]
    return np.asarray(np.sum(parts, axis=0), np.float32)


def noise(random: np.random.Generator, seconds: float) -> Floats:
    """Return noise like wind or traffic: (n,) at RATE, the loudest at 1."""
    spectrum = np.fft.rfft(random.normal(size=int(seconds * RATE)))
    pitch = np.maximum(np.fft.rfftfreq(int(seconds * RATE), 1 / RATE), 20)
    found = np.fft.irfft(spectrum / pitch ** float(random.uniform(0.5, 1)), int(seconds * RATE)).astype(np.float32)
    return found / np.float32(np.abs(found).max())


def speech(
    random: np.random.Generator, speaker: Speaker, said: Sequence[tuple[str, str, str]], pause: tuple[float, float]
) -> tuple[Floats, list[Sentence]]:
    """Say sentences, (text, language, voice), with pauses between them, over music or noise; tell when each is said."""
    parts, found, now = [], [], 0.0
    for text, language, voice in said:
        silence = float(random.uniform(*pause))
        heard = soxr.resample(speaker.say(text, voice), speaker.rate, RATE).astype(np.float32)
        parts += [np.zeros(int(silence * RATE), np.float32), heard]
        start = now + int(silence * RATE) / RATE
        now = start + len(heard) / RATE
        found.append(Sentence(text, language, voice, round(start, 3), round(now, 3)))
    voices = np.concatenate([*parts, np.zeros(RATE, np.float32)])
    under = (music if random.integers(2) else noise)(random, len(voices) / RATE)[: len(voices)]
    mixed = 0.7 * voices + float(random.uniform(0.03, 0.12)) * np.pad(under, (0, len(voices) - len(under)))
    return (mixed / np.abs(mixed).max()).astype(np.float32), found


def write_sound(samples: Floats, path: Path) -> None:
    """Write samples at RATE as the format of the path's extension."""
    soundfile.write(path, 0.9 * samples, RATE)
