"""The YAMNet tower: a convolutional network that classifies the 521 kinds of sounds of AudioSet.

Source: Plakal and Ellis, "YAMNet" (TensorFlow Model Garden, 2020); the network is MobileNet v1 (Howard et al. 2017).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.device import choose
from omnisearch.spaces.nn import kaldi, waveforms
from omnisearch.spaces.nn.audio_patches import mean_over_patches
from omnisearch.spaces.nn.convolutions import prepared
from omnisearch.spaces.weights import weight_files
from omnisearch.spaces.weights.spec import resolve
from omnisearch.types import Content, Floats, Waveform

RATE = 16_000
WINDOW, HOP, FFT = 400, 160, 512  # 25 and 10 milliseconds
BANDS, LOW, HIGH = 64, 125.0, 7500.0
QUIET = 1e-3  # added before the logarithm
PATCH, PATCH_HOP = 96, 48  # frames: patches of 0.96 seconds that overlap by half
BATCH = 32
EMBEDDED, EVENTS = 1024, 521
WIDTH = EMBEDDED + EVENTS
# The strides and outputs of the layers after the first; each is a depthwise and a pointwise convolution.
LAYERS = ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 5, (2, 1024), (1, 1024))
# The file holds two numbers of a training loop before the network, and a description of the graph after it.
BEFORE = 8


class Yamnet:
    """Embeds sounds as the means over patches of embedding and event probabilities: float32 (n, 1024 + 521)."""

    name = "yamnet"
    width = WIDTH

    def __init__(self, network: nn.Module, device: torch.device, fingerprint: str) -> None:
        self._network = prepared(network).to(device)
        self._device, self.fingerprint = device, fingerprint
        self._filters = kaldi.filters(RATE, FFT, BANDS, LOW, HIGH)

    @classmethod
    def load(cls, settings: Settings, fingerprint: str) -> "Yamnet":
        """Read the network from this machine.

        Raises:
            ModelMissingError: the weight file is not here.
            WeightsError: it does not fit the network.
        """
        network = Network()
        fill(network, resolve(weight_files.YAMNET, settings))
        return cls(network, choose(settings), fingerprint)

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, 1545) for waveforms of any rate and length."""
        return mean_over_patches(contents, self._patches, self._network, self._device, self.width, BATCH)

    def _patches(self, wave: Content) -> Iterator[Tensor]:
        """Yield the patches of a sound, (96, 64) each; the last is padded with silence."""
        assert isinstance(wave, Waveform)
        frames = self.spectrogram(wave)
        for start in range(0, len(frames) - PATCH + 1, PATCH_HOP):
            yield frames[start : start + PATCH]

    def spectrogram(self, wave: Waveform) -> Tensor:
        """Return the log mel frames (frames, 64) of a sound and of the silence that fills its last patch."""
        samples = waveforms.resampled(wave, RATE)
        patch, hop = (PATCH - 1) * HOP + WINDOW, PATCH_HOP * HOP
        lacking = (patch - len(samples)) % hop if len(samples) > patch else patch - len(samples)
        whole = functional.pad(samples, (0, lacking))
        windows = whole.unfold(0, WINDOW, HOP) * torch.hann_window(WINDOW)
        return torch.log(torch.fft.rfft(windows, FFT).abs() @ self._filters.T + QUIET)


class Network(nn.Module):
    """Log mel patches (b, 96, 64) -> (b, 1024 + 521): MobileNet v1, the mean over time and bands, and probabilities."""

    def __init__(self) -> None:
        super().__init__()
        layers = [_Conv(1, 32, 3, 2)]
        for stride, outputs in LAYERS:
            inputs = layers[-1].conv.out_channels
            layers += [_Conv(inputs, inputs, 3, stride, groups=inputs), _Conv(inputs, outputs, 1, 1)]
        self.layers = nn.Sequential(*layers)
        self.events = nn.Linear(EMBEDDED, EVENTS)

    def forward(self, patches: Tensor) -> Tensor:
        """Return the embeddings of patches beside the probability of each event."""
        embedded = self.layers(patches[:, None]).mean((2, 3))
        return torch.cat([embedded, self.events(embedded).sigmoid()], 1)


class _Conv(nn.Module):
    """A convolution, batch norm, ReLU. With an even length and stride two, only the end is padded, as in TensorFlow."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-4)
        before = (size - 1) // 2 if stride == 1 else 0
        after = size - 1 - before if stride == 1 else size - stride
        self._padding = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = functional.relu_(self.bn(self.conv(functional.pad(x, self._padding))))
        return found


def fill(network: Network, path: Path) -> None:
    """Fill a network from the data file of a saved TensorFlow model that contains YAMNet.

    The file is float32 in the order of the layers: a kernel, then the shift, the mean and the variance of its batch
    norm, which has no scale. The index file that names them is not needed.

    Raises:
        WeightsError: the file has another length.
    """
    if (size := path.stat().st_size) != weight_files.YAMNET.size:
        raise WeightsError(f"{path} holds {size} bytes, and YAMNet's has {weight_files.YAMNET.size}: pull it again")
    with path.open("rb") as file, torch.no_grad():
        file.seek(BEFORE)

        def take(*shape: int) -> Tensor:
            return torch.from_numpy(np.fromfile(file, "<f4", int(np.prod(shape)))).reshape(shape)

        for layer in network.layers:
            assert isinstance(layer, _Conv)
            outputs, inputs, height, width = layer.conv.weight.shape
            if layer.conv.groups > 1:
                layer.conv.weight.copy_(take(height, width, outputs, inputs).permute(2, 3, 0, 1))
            else:
                layer.conv.weight.copy_(take(height, width, inputs, outputs).permute(3, 2, 0, 1))
            for part in (layer.bn.bias, layer.bn.running_mean, layer.bn.running_var):
                assert part is not None
                part.copy_(take(outputs))
        network.events.weight.copy_(take(EMBEDDED, EVENTS).T)
        network.events.bias.copy_(take(EVENTS))
