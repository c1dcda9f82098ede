"""A space without weights, for tests and trials: simple properties of the content, as words.

Every word has a fixed random direction. A text is the sum of its words; an image has the names of its colours, a sound
`low` or `high`, an object `flat`, `tall` or `round`. So a red picture is near the text "red", and vectors can be
computed by hand.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Self

import numpy as np

from omnisearch.config import Settings
from omnisearch.spaces.declaration import digest
from omnisearch.spaces.towers import TOWERS, TowerReader, unit
from omnisearch.types import Content, Floats, Modality, Pixels, PointCloud, Waveform

COLORS: Mapping[str, tuple[int, int, int]] = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "red": (220, 30, 30),
    "green": (30, 160, 30),
    "blue": (30, 60, 220),
    "yellow": (240, 220, 30),
}
SILENT = 1e-3  # peak amplitude
LOW, HIGH = 400.0, 2000.0  # Hz: between them is `middle`
NOISY = 0.3  # spectral flatness, 0 for a tone and near 0.56 for white noise
FLAT, TALL = 0.25, 1.5  # height over width
DIM = 256

Words = Mapping[str, float]


class Hashed(TowerReader):
    """The space. Its towers already return unit rows."""

    @property
    def fingerprint(self) -> str:
        """A string that identifies the towers."""
        return digest(self.spec.name, *(TOWERS[name].fingerprint for name in self.spec.towers.values()))

    def project(self, modality: Modality, features: Floats) -> Floats:  # noqa: ARG002
        """Return the features unchanged; they are unit rows."""
        return unit(features)


class HashedTower:
    """Embeds contents as the weighted sum of their words' directions: float32 (n, 256)."""

    name: str
    width = DIM
    words: Callable[[Content], Words]

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    @classmethod
    def load(cls, settings: Settings, fingerprint: str) -> Self:  # noqa: ARG003 - there is nothing to read
        """Make the tower."""
        return cls(fingerprint)

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, 256)."""
        rows = np.zeros((len(contents), self.width), np.float32)
        for row, content in enumerate(contents):
            for word, weight in type(self).words(content).items():
                rows[row] += np.float32(weight) * direction(word, self.width)
        return rows


def direction(word: str, dim: int = DIM) -> Floats:
    """Return a word's direction: float32 (dim,), signs drawn from its hash, unit length."""
    bits = np.unpackbits(np.frombuffer(hashlib.shake_256(word.encode()).digest((dim + 7) // 8), np.uint8))[:dim]
    signs: Floats = (bits.astype(np.float32) * 2 - 1) / np.float32(dim**0.5)
    return signs


def words_of_text(content: Content) -> Words:
    """Return the words of a text with the count of each; a text without words has the word ''."""
    assert isinstance(content, str)
    words = re.findall(r"\w+", content.lower()) or [""]
    return {word: float(words.count(word)) for word in words}


def words_of_image(content: Content) -> Words:
    """Return the names of the colours nearest to an image's pixels, with the share of each."""
    image: Pixels = np.asarray(content)
    names, values = list(COLORS), np.array(list(COLORS.values()), np.float32)
    step = max(1, max(image.shape[:2]) // 64)
    pixels = image[::step, ::step].reshape(-1, 3).astype(np.float32)
    nearest = ((pixels[:, None] - values) ** 2).sum(2).argmin(1)
    shares = np.bincount(nearest, minlength=len(names)) / len(pixels)
    return {name: float(share) for name, share in zip(names, shares, strict=True) if share > 0}


def words_of_audio(content: Content) -> Words:
    """Return `silence`, `noise`, or whether the sound is `low`, `middle` or `high`."""
    assert isinstance(content, Waveform)
    samples = content.samples
    if not len(samples) or np.abs(samples).max() < SILENT:
        return {"silence": 1.0}
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2 + 1e-12
    if np.exp(np.log(spectrum).mean()) / spectrum.mean() > NOISY:
        return {"noise": 1.0}
    pitch = np.fft.rfftfreq(len(samples), 1 / content.rate)[spectrum.argmax()]
    return {"low" if pitch < LOW else "high" if pitch > HIGH else "middle": 1.0}


def words_of_cloud(content: Content) -> Words:
    """Return `flat`, `tall` or `round` by an object's height over its width, and the colours of its points."""
    assert isinstance(content, PointCloud)
    width, height, depth = np.ptp(content.points, axis=0)
    ratio = height / max(width, depth, 1e-9)
    shape = "flat" if ratio < FLAT else "tall" if ratio > TALL else "round"
    if content.colors is None:
        return {shape: 1.0}
    return {shape: 1.0, **words_of_image((content.colors[None] * 255).astype(np.uint8))}


class TextWords(HashedTower):
    """The words of texts."""

    name, words = "hashed_text", staticmethod(words_of_text)


class ImageWords(HashedTower):
    """The words of images."""

    name, words = "hashed_image", staticmethod(words_of_image)


class AudioWords(HashedTower):
    """The words of sounds."""

    name, words = "hashed_audio", staticmethod(words_of_audio)


class CloudWords(HashedTower):
    """The words of 3D objects."""

    name, words = "hashed_point_cloud", staticmethod(words_of_cloud)
