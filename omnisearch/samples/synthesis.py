"""Building blocks of synthesised sounds: voices, noises, resonances and envelopes at 32 kHz."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

RATE = 32_000
SECONDS = 2.5

Signal: TypeAlias = NDArray[np.float64]


def glide(seconds: float, *pitches: float) -> Signal:
    """Return a pitch in Hz for every sample, which moves evenly through `pitches`."""
    count = round(seconds * RATE)
    return np.interp(np.linspace(0, len(pitches) - 1, count), np.arange(len(pitches)), pitches)


def sine(pitch: Signal) -> Signal:
    """Return a pure tone of a pitch in Hz for every sample."""
    tone: Signal = np.sin(2 * np.pi * np.cumsum(pitch) / RATE)
    return tone


def voice(pitch: Signal) -> Signal:
    """Return a sum of harmonics that fall by 1/k, as vocal cords and engines make it, below half of RATE."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    count = int(min(60, 0.45 * RATE / pitch.max()))
    total: Signal = np.sum([np.sin(k * phase) / k for k in range(1, count + 1)], axis=0)
    return total


def noise(rng: np.random.Generator, seconds: float) -> Signal:
    """Return white noise."""
    return rng.normal(0, 1, round(seconds * RATE))


def band(signal: Signal, low: float, high: float) -> Signal:
    """Keep the frequencies between `low` and `high` Hz, with soft edges."""
    hertz = np.fft.rfftfreq(len(signal), 1 / RATE)
    gain = 1 / (1 + (low / np.maximum(hertz, 1)) ** 4) / (1 + (hertz / high) ** 4)
    return np.fft.irfft(np.fft.rfft(signal) * gain, len(signal))


def formants(signal: Signal, *peaks: tuple[float, float]) -> Signal:
    """Weigh frequencies by resonances: pairs of a centre and a width in Hz."""
    hertz = np.fft.rfftfreq(len(signal), 1 / RATE)
    gain = sum(1 / (1 + ((hertz - centre) / width) ** 2) for centre, width in peaks)
    return np.fft.irfft(np.fft.rfft(signal) * gain, len(signal))


def ring(seconds: float, *partials: tuple[float, float, float]) -> Signal:
    """Return a struck body: partials of a pitch in Hz, an amplitude, and the seconds in which they fall to 1/e."""
    time = np.arange(round(seconds * RATE)) / RATE
    total: Signal = np.sum([a * np.exp(-time / t) * np.sin(2 * np.pi * f * time) for f, a, t in partials], axis=0)
    return total


def rise_and_fall(seconds: float, rise: float) -> Signal:
    """Return an envelope that rises in the share `rise` of the time, and falls to zero in the rest."""
    place = np.linspace(0, 1, round(seconds * RATE))
    envelope: Signal = np.minimum(place / rise, (1 - place) / (1 - rise)).clip(0, 1)
    return envelope


def placed(signal: Signal, starts: Iterable[float]) -> Signal:
    """Return SECONDS of silence to which `signal` is added at each start, in seconds."""
    total = np.zeros(round(SECONDS * RATE) + len(signal))
    for start in starts:
        begin = round(start * RATE)
        total[begin : begin + len(signal)] += signal[: len(total) - begin]
    return total[: round(SECONDS * RATE)]


def hits(rng: np.random.Generator, seconds: float, rate: float, make: Callable[[], Signal]) -> Signal:
    """Return short sounds at random times, on average `rate` a second."""
    total = np.zeros(round(seconds * RATE))
    for start in rng.uniform(0, seconds - 0.05, rng.poisson(rate * seconds)):
        one, begin = make(), round(start * RATE)
        total[begin : begin + len(one)] += one * rng.uniform(0.3, 1)
    return total


def loud(signal: Signal) -> Signal:
    """Scale to a peak of 1."""
    scaled: Signal = signal / np.abs(signal).max()
    return scaled
