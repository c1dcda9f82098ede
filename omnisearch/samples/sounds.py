"""Synthesised sounds of things. Every function draws its pitch and pace from `rng` and returns samples at RATE."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from omnisearch.samples.synthesis import (
    RATE,
    SECONDS,
    Signal,
    band,
    formants,
    glide,
    hits,
    loud,
    noise,
    placed,
    ring,
    rise_and_fall,
    sine,
    voice,
)
from omnisearch.types import Waveform

PEAK = 0.6

Rng = np.random.Generator


def make_sound(thing: str, seed: int = 0) -> Waveform:
    """Return the sound of a thing of SOUNDS, SECONDS long; every seed gives another pitch and pace."""
    samples = SOUNDS[thing](np.random.default_rng([seed, *thing.encode()]))[: round(SECONDS * RATE)]
    samples = np.pad(samples, (0, round(SECONDS * RATE) - len(samples)))
    return Waveform((PEAK * loud(samples)).astype(np.float32), RATE)


def _near(rng: Rng, value: float, share: float = 0.15) -> float:
    return float(value * np.exp(rng.uniform(-share, share)))


def _every(rng: Rng, seconds: float) -> NDArray[np.float64]:
    return np.arange(0.05, SECONDS, _near(rng, seconds))


def bark(rng: Rng) -> Signal:
    """A dog: short bursts of a falling, rough voice."""
    pitch = _near(rng, 420, 0.4)
    one = voice(glide(0.17, pitch * 0.8, pitch * 1.3, pitch * 0.6)) + 0.5 * noise(rng, 0.17)
    one = formants(one, (pitch * 2, 250), (1500, 500)) * rise_and_fall(0.17, 0.01)
    start = _every(rng, 0.42)[[0, 1, 3]]
    return placed(one, start)


def meow(rng: Rng) -> Signal:
    """A cat: one long vowel that opens and closes."""
    pitch, long = _near(rng, 560, 0.25), _near(rng, 0.9, 0.2)
    cry = voice(glide(long, pitch * 0.8, pitch * 1.35, pitch * 1.2, pitch * 0.75))
    opened = formants(cry, (1000, 300), (2600, 500)) * rise_and_fall(long, 0.5)
    return placed(opened + 0.4 * formants(cry, (600, 200)) * rise_and_fall(long, 0.15), [0.1, 1.4])


def moo(rng: Rng) -> Signal:
    """A cow: a long, low voice."""
    pitch = _near(rng, 130)
    return placed(
        formants(voice(glide(1.7, pitch * 0.85, pitch * 1.2, pitch * 1.1, pitch * 0.8)), (320, 120), (750, 200))
        * rise_and_fall(1.7, 0.25),
        [0.2],
    )


def quack(rng: Rng) -> Signal:
    """A duck: short, nasal bursts."""
    pitch = _near(rng, 230)
    one = formants(voice(glide(0.18, pitch * 1.1, pitch, pitch * 0.8)), (1150, 200), (2300, 300))
    return placed(one * rise_and_fall(0.18, 0.02), _every(rng, 0.3))


def chirp(rng: Rng) -> Signal:
    """A bird: fast glides of a pure tone."""
    top = _near(rng, 4200, 0.25)
    notes = [
        sine(glide(0.09, top * a, top * b)) * rise_and_fall(0.09, 0.03) for a, b in ((1, 0.7), (0.75, 1.1), (0.9, 1))
    ]
    phrase = np.concatenate([np.pad(note, (0, RATE // 40)) for note in (*notes, notes[0])])
    return placed(phrase, _every(rng, 0.75))


def buzz(rng: Rng) -> Signal:
    """A bee: a buzzing tone that wavers."""
    pitch = _near(rng, 225)
    wander = pitch * (1 + 0.04 * np.cumsum(noise(rng, SECONDS)) / 40)
    return formants(voice(wander), (450, 300), (2500, 900)) * (0.6 + 0.4 * np.abs(sine(glide(SECONDS, 0.5, 0.7))))


def croak(rng: Rng) -> Signal:
    """A frog: bursts of pulses."""
    pitch = _near(rng, 750, 0.25)
    pulses = placed(ring(0.03, (pitch, 1, 0.006), (pitch * 2.1, 0.5, 0.004)), np.arange(0, 0.38, 1 / _near(rng, 42)))
    return placed(pulses[: round(0.4 * RATE)] * rise_and_fall(0.4, 0.1), _every(rng, 0.7))


def engine(rng: Rng) -> Signal:
    """A car: a starting engine that speeds up and slows down."""
    firing = _near(rng, 42)
    turns = glide(SECONDS, firing * 0.7, firing * 1.8, firing * 2.4, firing * 1.1)
    return formants(voice(turns), (110, 90), (420, 300)) + 0.1 * band(noise(rng, SECONDS), 100, 1500)


def steam_train(rng: Rng) -> Signal:
    """A train: puffs of steam, and a whistle of three tones."""
    puff = band(noise(rng, 0.16), 150, 3000) * rise_and_fall(0.16, 0.02)
    tones = _near(rng, 1) * np.array([520, 655, 780])
    chord = np.sum([formants(voice(glide(1.0, f, f * 1.02, f * 0.96)), (f, 150)) for f in tones], axis=0)
    whistle = (chord + 0.1 * noise(rng, 1.0)) * rise_and_fall(1.0, 0.08)
    puffs = placed(puff, _every(rng, 0.24))
    return loud(puffs) + placed(loud(whistle), [0.9])


def rotor(rng: Rng) -> Signal:
    """A helicopter: low noise in a fast rhythm."""
    beat = 0.5 + 0.5 * np.sign(sine(glide(SECONDS, *(2 * [_near(rng, 13)]))))
    return band(noise(rng, SECONDS), 40, 500) * np.convolve(beat, np.ones(900) / 900, "same") ** 2


def jet(rng: Rng) -> Signal:
    """An airplane: broad noise and a whine that passes by."""
    whine = sine(glide(SECONDS, _near(rng, 1900), 2000, 1200))
    return (band(noise(rng, SECONDS), 60, 2500) + 0.05 * whine) * rise_and_fall(SECONDS, 0.45)


def rain(rng: Rng) -> Signal:
    """Rain: high noise and many drops."""
    drops = hits(rng, SECONDS, _near(rng, 90, 0.4), lambda: ring(0.01, (rng.uniform(2000, 7000), 1, 0.002)))
    ground = band(noise(rng, SECONDS), 1000, 12000)
    return 0.35 * loud(ground) + loud(drops)


def thunder(rng: Rng) -> Signal:
    """Lightning: a crack, and a rumble that rolls away."""
    crack = noise(rng, 0.25) * np.exp(-np.arange(round(0.25 * RATE)) / (0.04 * RATE))
    rumble = band(noise(rng, SECONDS), 20, _near(rng, 180)) * rise_and_fall(SECONDS, 0.12)
    rolling = 0.6 + 0.4 * np.interp(np.linspace(0, 9, len(rumble)), range(10), rng.uniform(-1, 1, 10))
    return rolling * loud(rumble) + 0.5 * placed(loud(crack), [0.1])


def crackle(rng: Rng) -> Signal:
    """A fire: random cracks over a low roar."""
    fading = np.exp(-np.arange(256) / 40)
    cracks = hits(rng, SECONDS, _near(rng, 25, 0.4), lambda: noise(rng, 0.008) * fading * rng.pareto(2))
    roar = band(noise(rng, SECONDS), 30, 400)
    return loud(cracks) + 0.15 * loud(roar)


def tick(rng: Rng) -> Signal:
    """A clock: ticks and tocks."""
    high = _near(rng, 2600)
    every = _every(rng, 0.5)
    one, other = (ring(0.05, (high * k, 1, 0.004), (high * k * 2.3, 0.6, 0.002)) for k in (1.0, 0.8))
    return placed(one, every[::2]) + placed(other, every[1::2])


def toll(rng: Rng) -> Signal:
    """A bell: the partials of a church bell (hum, prime, tierce, quint, nominal)."""
    prime = _near(rng, 420, 0.5)
    partials = (
        (0.5, 0.6, 1.6),
        (1, 1, 1.2),
        (1.2, 0.8, 0.9),
        (1.5, 0.5, 0.7),
        (2, 1, 0.6),
        (2.67, 0.5, 0.35),
        (4.1, 0.3, 0.2),
    )
    return placed(ring(2.4, *((prime * f, a, t) for f, a, t in partials)), _every(rng, 1.1))


def drum(rng: Rng) -> Signal:
    """A drum: a rhythm of strokes on a skin."""
    low = _near(rng, 110, 0.3)
    stroke = sine(glide(0.25, low * 1.6, low, low)) * np.exp(-np.arange(round(0.25 * RATE)) / (0.07 * RATE))
    stroke += 0.3 * band(noise(rng, 0.25), 50, 1200) * rise_and_fall(0.25, 0.01) ** 6
    beat = _near(rng, 0.22)
    return placed(stroke, [beat * k for k in (0.2, 2, 3, 4, 6, 7, 8, 10) if beat * k < SECONDS])


def pluck(rng: Rng) -> Signal:
    """A guitar: plucked strings of a chord, as a delay line with a mean in its loop (Karplus and Strong, 1983)."""
    root = _near(rng, 165, 0.3)
    total = np.zeros(round(SECONDS * RATE))
    for step, ratio in enumerate((1, 1.5, 2, 2.52, 3, 2.52, 2, 1.5)):
        start = round(0.28 * step * RATE)
        period = round(RATE / (root * ratio))
        wave, rows = np.convolve(rng.uniform(-1, 1, period), np.ones(4) / 2, "same"), []
        for _ in range((len(total) - start) // period + 1):
            rows.append(wave)
            wave = 0.498 * (wave + np.roll(wave, 1))
        total[start:] += np.concatenate(rows)[: len(total) - start]
    return total


def phone(rng: Rng) -> Signal:
    """A telephone: a bell that is struck twenty times a second, with pauses."""
    high = _near(rng, 1250)
    strokes = placed(
        ring(0.2, (high, 1, 0.05), (high * 1.27, 0.8, 0.05), (high * 3.1, 0.3, 0.02)), np.arange(0, 0.8, 1 / 22)
    )
    return placed(strokes[: round(0.95 * RATE)], [0.05, 1.3])


def knock(rng: Rng) -> Signal:
    """A hammer: strokes on wood and metal."""
    high = _near(rng, 1900)
    one = ring(0.15, (high, 1, 0.012), (high * 1.7, 0.6, 0.01), (210, 1, 0.03))
    one[: RATE // 100] += 0.4 * noise(rng, 0.01)
    return placed(one, _every(rng, 0.45))


def bounce(rng: Rng) -> Signal:
    """A ball: thuds at ever shorter intervals."""
    low, gap, at, times = _near(rng, 95), _near(rng, 0.55), 0.05, []
    while gap > 0.03 and at < SECONDS - 0.1:
        times.append(at)
        at, gap = at + gap, gap * 0.78
    one = ring(0.12, (low, 1, 0.03), (low * 2.4, 0.6, 0.015), (low * 9, 0.2, 0.005))
    total: Signal = np.sum([0.8**i * placed(one, [time]) for i, time in enumerate(times)], axis=0)
    return total


def heartbeat(rng: Rng) -> Signal:
    """A heart: pairs of dull beats."""
    low, pace = _near(rng, 58), _near(rng, 0.85)
    first, second = ring(0.16, (low, 1, 0.04)), ring(0.12, (low * 1.3, 0.7, 0.03))
    starts = np.arange(0.05, SECONDS - 0.5, pace)
    return placed(first, starts) + placed(second, starts + 0.3 * pace)


def siren(rng: Rng) -> Signal:
    """An ambulance: two tones by turns."""
    high, low, long = _near(rng, 780), _near(rng, 580), _near(rng, 0.5)
    pitch = np.where(np.arange(round(SECONDS * RATE)) // round(long * RATE) % 2, high, low).astype(np.float64)
    return formants(voice(pitch), (900, 500), (2200, 900))


SOUNDS: Mapping[str, Callable[[Rng], Signal]] = {
    "airplane": jet,
    "ambulance": siren,
    "ball": bounce,
    "bee": buzz,
    "bell": toll,
    "bird": chirp,
    "car": engine,
    "cat": meow,
    "clock": tick,
    "cow": moo,
    "dog": bark,
    "drum": drum,
    "duck": quack,
    "fire": crackle,
    "frog": croak,
    "guitar": pluck,
    "hammer": knock,
    "heart": heartbeat,
    "helicopter": rotor,
    "lightning": thunder,
    "rain": rain,
    "telephone": phone,
    "train": steam_train,
}
