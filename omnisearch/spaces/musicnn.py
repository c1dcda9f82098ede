"""The timbre tower: musicnn, a convolutional network that learned what listeners call pieces of music.

Source: Pons and Serra, "musicnn: Pre-trained Convolutional Neural Networks for Music Audio Tagging" (2019); the
network that was trained on MagnaTagATune. Read where time is pooled, before its tags.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces import files, mel
from omnisearch.spaces.device import choose
from omnisearch.spaces.weights import resolve
from omnisearch.types import Content, Floats, Waveform

RATE = 16_000
WINDOW, HOP, BANDS = 512, 256, 96
PATCH = 187  # frames: three seconds
BATCH = 8
# Filters along frequency and their sizes (time, bands), filters along time, filters of each later layer.
TIMBRAL, TIMBRAL_SIZES = 204, ((7, 38), (7, 67))
TEMPORAL, TEMPORAL_SIZES = 51, (128, 64, 32)
LATER = 64
FRONT = len(TIMBRAL_SIZES) * TIMBRAL + len(TEMPORAL_SIZES) * TEMPORAL  # 561
WIDTH = 2 * (FRONT + 3 * LATER)  # 1506: the maximum and the mean over time of 753 maps


class Musicnn:
    """Sounds to the mean of their patches' pooled maps: float32 (n, 1506), not normalised."""

    name = "musicnn"
    width = WIDTH

    def __init__(self, network: nn.Module, device: torch.device, fingerprint: str) -> None:
        self._network = network.eval().to(device)
        self._device, self.fingerprint = device, fingerprint
        self._filters = mel.filters(RATE, WINDOW, BANDS, scale="slaney", norm="area")

    @classmethod
    def load(cls, settings: Settings, fingerprint: str) -> "Musicnn":
        """Read the network from this machine.

        Raises:
            ModelMissingError: the weight file is not here.
            WeightsError: it does not fit the network.
        """
        network = Network()
        fill(network, resolve(files.MUSICNN, settings))
        return cls(network, choose(settings), fingerprint)

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, 1506) for waveforms of any rate and length."""
        sums = np.zeros((len(contents), self.width), np.float64)
        counts = np.zeros(len(contents), np.int64)
        stream = ((row, patch) for row, wave in enumerate(contents) for patch in self._patches(wave))
        while batch := list(islice(stream, BATCH)):
            rows = [row for row, _ in batch]
            np.add.at(sums, rows, self._embed(torch.stack([patch for _, patch in batch])))
            np.add.at(counts, rows, 1)
        return np.asarray(sums / counts[:, None], np.float32)

    @torch.inference_mode()
    def _embed(self, patches: Tensor) -> Floats:
        embedded: Floats = self._network(patches.to(self._device)).cpu().numpy()
        return embedded

    def _patches(self, wave: Content) -> Iterator[Tensor]:
        """Yield the whole patches of a sound, (187, 96) each; a sound shorter than one is repeated."""
        assert isinstance(wave, Waveform)
        frames = self.spectrogram(wave)
        if len(frames) < PATCH:
            frames = frames.repeat(math.ceil(PATCH / len(frames)), 1)[:PATCH]
        for start in range(0, len(frames) - PATCH + 1, PATCH):
            yield frames[start : start + PATCH]

    def spectrogram(self, wave: Waveform) -> Tensor:
        """Return the log mel frames (frames, 96) of a sound."""
        samples = wave.samples if wave.rate == RATE else soxr.resample(wave.samples, wave.rate, RATE)
        bands = mel.power(torch.from_numpy(np.ascontiguousarray(samples, np.float32)), WINDOW, HOP) @ self._filters.T
        return torch.log10(bands * 10_000 + 1)


class Network(nn.Module):
    """Log mel patches (b, time, 96) -> (b, 1506).

    The front end looks for timbres (filters over many bands, anywhere along frequency) and for rhythms (filters over
    time, any band); three layers over time follow, each but the first added to the one before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1, eps=1e-3)
        self.front = nn.ModuleList(
            [_Conv(1, TIMBRAL, size) for size in TIMBRAL_SIZES]
            + [_Conv(1, TEMPORAL, (length, 1)) for length in TEMPORAL_SIZES]
        )
        self.later = nn.ModuleList(_Conv(1, LATER, (7, width)) for width in (FRONT, LATER, LATER))

    def forward(self, frames: Tensor) -> Tensor:
        """Return the pooled maps of patches."""
        x = self.norm(frames[:, None])
        maps = [torch.cat([layer(x).amax(3) for layer in self.front], 1)]  # (b, 561, time)
        for layer in self.later:
            x = layer(maps[-1].transpose(1, 2)[:, None])[..., 0]  # (b, 64, time)
            maps.append(x if len(maps) == 1 else x + maps[-1])
        found = torch.cat(maps, 1)  # (b, 753, time)
        return torch.stack([found.amax(2), found.mean(2)], 2).flatten(1)


class _Conv(nn.Module):
    """A convolution that keeps the length along time, as TensorFlow pads it; batch norm comes after the ReLU."""

    def __init__(self, inputs: int, outputs: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)
        self._before = (size[0] - 1) // 2
        self._after = size[0] - 1 - self._before

    def forward(self, x: Tensor) -> Tensor:
        padded = functional.pad(x, (0, 0, self._before, self._after))
        found: Tensor = self.bn(functional.relu(self.conv(padded)))
        return found


def fill(network: Network, path: Path) -> None:
    """Read a TensorFlow checkpoint's data file into a network.

    The file is every variable's float32 in the order of their names, those that were trained followed by Adam's two
    moments of them. The names are in another file, which is not needed for that.

    Raises:
        WeightsError: the file is of another length.
    """
    variables = _variables(network)
    wanted = 4 * sum(count * math.prod(shape) for shape, count, _ in variables.values())
    if (size := path.stat().st_size) != wanted:
        raise WeightsError(f"{path} holds {size} bytes, and Musicnn takes {wanted}: pull it again")
    values, place = torch.from_numpy(np.fromfile(path, "<f4")), 0
    with torch.no_grad():
        for _, (shape, count, target) in sorted(variables.items()):
            size = math.prod(shape)
            if target is not None:
                stored = values[place : place + size].reshape(shape)
                target.copy_(stored.permute(3, 2, 0, 1) if len(shape) == 4 else stored)
            place += count * size


def _variables(network: Network) -> dict[str, tuple[tuple[int, ...], int, Tensor | None]]:
    """By TensorFlow's name: a shape, how many tensors of it follow each other, and where the first belongs if at all.

    The two layers that make tags of the pooled maps are not wanted.
    """
    found: dict[str, tuple[tuple[int, ...], int, Tensor | None]] = {
        "beta1_power": ((), 1, None),
        "beta2_power": ((), 1, None),
    }
    convs = [layer for layer in (*network.front, *network.later) if isinstance(layer, _Conv)]
    for n, layer in enumerate(convs):
        outputs, inputs, *size = layer.conv.weight.shape
        found[f"{_numbered('conv2d', n)}/kernel"] = (*size, inputs, outputs), 3, layer.conv.weight
        found[f"{_numbered('conv2d', n)}/bias"] = (outputs,), 3, layer.conv.bias
    for n, (width, norm) in enumerate([(1, network.norm), *((c.bn.num_features, c.bn) for c in convs), *_TAG_NORMS]):
        name = _numbered("batch_normalization", n)
        for theirs, count, ours in _NORM_PARTS:
            found[f"{name}/{theirs}"] = (width,), count, getattr(norm, ours, None)
    for n, (inputs, outputs) in enumerate(_TAG_LAYERS):
        found[f"{_numbered('dense', n)}/kernel"] = (inputs, outputs), 3, None
        found[f"{_numbered('dense', n)}/bias"] = (outputs,), 3, None
    return found


_TAG_LAYERS = ((WIDTH, 200), (200, 50))
_TAG_NORMS = ((WIDTH, None), (200, None))
_NORM_PARTS = (
    ("gamma", 3, "weight"),
    ("beta", 3, "bias"),
    ("moving_mean", 1, "running_mean"),
    ("moving_variance", 1, "running_var"),
)


def _numbered(name: str, n: int) -> str:
    return f"{name}_{n}" if n else name
