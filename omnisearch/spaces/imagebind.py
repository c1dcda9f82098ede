"""The ImageBind towers: images, texts and sounds in one metric, each by a network of its own.

Source: Girdhar et al., "ImageBind: One Embedding Space To Bind Them All" (CVPR 2023).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np
import soxr
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces import kaldi, paper_files, tensors, torchvision_shim
from omnisearch.spaces.device import choose, dtype
from omnisearch.spaces.imagebind_net import BANDS, DIM, FRAMES, SIDE, TOKENS, VOCABULARY, Audio, Encoder, Text, Vision
from omnisearch.spaces.weights import resolve
from omnisearch.types import Content, Floats, Pixels, Waveform

BATCH = 16
# OpenAI CLIP's mean and deviation of pixels.
MEAN, DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
CLIPS, CLIP_SECONDS = 3, 2
LOUDNESS, SPREAD = -4.268, 9.138  # AudioSet's mean and deviation of log mel energies


class _Tower(ABC):
    """Contents to embeddings: float32 (n, 1024), the mean of unit rows where a content has several inputs."""

    name: ClassVar[str]
    network: ClassVar[type[Encoder]]
    width = DIM

    def __init__(self, network: Encoder, device: torch.device, fingerprint: str) -> None:
        self._network, self._device, self.fingerprint = network.eval().to(device), device, fingerprint

    @classmethod
    def load(cls, settings: Settings, fingerprint: str) -> Self:
        """Read the network from this machine, and none of the other modalities'.

        Raises:
            ModelMissingError: the weight file is not here.
            WeightsError: it does not fit the network.
        """
        path = resolve(paper_files.IMAGEBIND, settings)
        with torch.device("meta"):
            network = cls.network()
        tensors.adopt(network, path, cls.network.name_in_file, dtype(settings))
        return cls(network, choose(settings), fingerprint)

    @abstractmethod
    def prepare(self, content: Content) -> Tensor:
        """Return the inputs that a content is to the network: (k, ...)."""

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, 1024)."""
        result = np.zeros((len(contents), self.width), np.float32)
        for start in range(0, len(contents), BATCH):
            inputs = [self.prepare(content) for content in contents[start : start + BATCH]]
            rows = self._embed(torch.cat(inputs)).split([len(parts) for parts in inputs])
            result[start : start + BATCH] = torch.stack([parts.mean(0) for parts in rows]).numpy()
        return result

    @torch.inference_mode()
    def _embed(self, batch: Tensor) -> Tensor:
        dtype = self._network.pos_embed.dtype if batch.is_floating_point() else batch.dtype
        embedded = self._network(batch.to(self._device, dtype)).float()
        return functional.normalize(embedded, dim=-1).cpu()


class Images(_Tower):
    """Images to unit rows."""

    name, network = "imagebind_image", Vision

    def prepare(self, content: Content) -> Tensor:
        """Return the middle of an image as normalised pixels: (1, 3, 224, 224)."""
        pixels = torch.from_numpy(crop(np.asarray(content))).permute(2, 0, 1)[None].float() / 255
        return (pixels - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)


class Texts(_Tower):
    """Texts to unit rows. A text of more than 75 tokens is cut, and keeps its end token: that is what is read."""

    name, network = "imagebind_text", Text

    def __init__(self, network: Encoder, device: torch.device, fingerprint: str) -> None:
        super().__init__(network, device, fingerprint)
        torchvision_shim.install()
        from open_clip.tokenizer import SimpleTokenizer  # imports torchvision

        self._tokenizer = SimpleTokenizer(context_length=TOKENS)
        if self._tokenizer.vocab_size != VOCABULARY:
            raise WeightsError(f"open_clip's tokenizer has {self._tokenizer.vocab_size} words, ImageBind {VOCABULARY}")

    def prepare(self, content: Content) -> Tensor:
        """Return the tokens of a text: int64 (1, 77), zero after its end."""
        tokens: Tensor = self._tokenizer([str(content)])
        return tokens


class Sounds(_Tower):
    """Sounds to the mean of the unit rows of their clips: the first two seconds, the middle two, the last two."""

    name, network = "imagebind_audio", Audio

    def prepare(self, content: Content) -> Tensor:
        """Return the spectrograms of a sound's clips: (3, 1, 128, 204), or one of them for two seconds or less."""
        assert isinstance(content, Waveform)
        samples = content.samples
        if content.rate != kaldi.RATE:
            samples = soxr.resample(samples, content.rate, kaldi.RATE)
        # Seconds, not samples, are divided, and exactly: half of all lengths would start one sample later otherwise.
        free = Fraction(max(len(samples) / kaldi.RATE - CLIP_SECONDS, 0))
        starts = [int(free * i / (CLIPS - 1) * kaldi.RATE) for i in range(CLIPS)] if free else [0]
        clips = [samples[start : start + CLIP_SECONDS * kaldi.RATE] for start in starts]
        return torch.stack([spectrogram(torch.from_numpy(np.ascontiguousarray(clip, np.float32))) for clip in clips])


def crop(image: Pixels) -> Pixels:
    """Return the image with its shorter side 224 pixels long, and of that the middle: uint8 (224, 224, 3)."""
    height, width = image.shape[:2]
    shorter = min(height, width)
    size = (int(SIDE * width / shorter), int(SIDE * height / shorter))
    left, top = (round((length - SIDE) / 2) for length in size)
    resized = np.array(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
    return np.ascontiguousarray(resized[top : top + SIDE, left : left + SIDE])


def spectrogram(samples: Tensor) -> Tensor:
    """Return the normalised log mel energies of at most two seconds at 16 kHz: (1, 128, 204).

    What is missing at the end counts as an energy of one, as it does for the authors: not as silence.
    """
    frames = kaldi.features(samples, BANDS)[:FRAMES]
    frames = functional.pad(frames, (0, 0, 0, FRAMES - len(frames)))
    return (frames.T[None] - LOUDNESS) / SPREAD
