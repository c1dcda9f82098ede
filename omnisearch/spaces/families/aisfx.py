"""The sound tower: aiSFX, a convolutional network that learned the categories of sound effects libraries.

Source: Ma and Lerch, "Representation Learning for the Automatic Indexing of Sound Effects Libraries" (ISMIR 2022).
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.config import Settings
from omnisearch.spaces.device import choose
from omnisearch.spaces.nn import waveforms
from omnisearch.spaces.nn.audio_patches import mean_over_patches
from omnisearch.spaces.nn.convolutions import prepared
from omnisearch.spaces.weights import tensors, weight_files
from omnisearch.spaces.weights.spec import resolve
from omnisearch.types import Content, Floats, Waveform

RATE = 44_100
WINDOW, HOP, BANDS = 2048, 1024, 96
BLOCK, BLOCK_HOP = 100, 50  # frames: blocks of 2.3 seconds that overlap by half
LOUDEST = 9.457798957824707  # maximum of the authors' training set, after the logarithm
BATCH = 16
PREFIX = "embedding_net."


class AiSfx:
    """Embeds sounds as the mean of their blocks' embeddings: float32 (n, 512), not normalised."""

    name = "aisfx"
    width = 512

    def __init__(self, network: nn.Module, device: torch.device, fingerprint: str) -> None:
        self._network = prepared(network).to(device)
        self._device, self.fingerprint = device, fingerprint
        self._filters = waveforms.filters(RATE, WINDOW, BANDS)

    @classmethod
    def load(cls, settings: Settings, fingerprint: str) -> "AiSfx":
        """Read the network from this machine.

        Raises:
            ModelMissingError: the weight file is not here.
            WeightsError: it does not fit the network.
        """
        path = resolve(weight_files.AISFX, settings)
        # The file also holds the classifiers of the authors' nine libraries, which are not needed.
        state = {k.removeprefix(PREFIX): v for k, v in tensors.read(path).items() if k.startswith(PREFIX)}
        network = Network()
        tensors.fill(network, state, path)
        return cls(network, choose(settings), fingerprint)

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, 512) for waveforms of any rate and length."""
        return mean_over_patches(contents, self._blocks, self._network, self._device, self.width, BATCH)

    def _blocks(self, wave: Content) -> Iterator[Tensor]:
        """Yield the whole blocks of a sound, (100, 96) each; a sound shorter than one block is padded with silence."""
        assert isinstance(wave, Waveform)
        frames = self.spectrogram(wave)
        if len(frames) < BLOCK:
            frames = functional.pad(frames, (0, 0, 0, BLOCK - len(frames)))
        for start in range(0, len(frames) - BLOCK + 1, BLOCK_HOP):
            yield frames[start : start + BLOCK]

    def spectrogram(self, wave: Waveform) -> Tensor:
        """Return the log mel frames (frames, 96) of a sound scaled to its maximum volume, in about [0, 1]."""
        samples = waveforms.resampled(wave, RATE)
        peak = samples.abs().max() if len(samples) else torch.tensor(0.0)
        bands = waveforms.power(samples / peak if peak > 0 else samples, WINDOW, HOP) @ self._filters.T
        return torch.log10(bands * 10_000 + 1) / LOUDEST


class Network(nn.Module):
    """Log mel blocks (b, 100, 96) -> (b, 512): four blocks of two convolutions, mean over bands, maximum over time."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_block1 = _Block(1, 64)
        self.conv_block2 = _Block(64, 128)
        self.conv_block3 = _Block(128, 256)
        self.conv_block4 = _Block(256, 512)

    def forward(self, frames: Tensor) -> Tensor:
        """Return the embeddings of blocks."""
        x = frames.unsqueeze(1)
        for block in (self.conv_block1, self.conv_block2, self.conv_block3):
            x = functional.max_pool2d(block(x), 2)
        x = self.conv_block4(x)  # (b, 512, time / 8, bands / 8)
        embedded: Tensor = x.mean(3).amax(2)
        return embedded


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu_(self.bn1(self.conv1(x)))
        return functional.relu_(self.bn2(self.conv2(x)))
