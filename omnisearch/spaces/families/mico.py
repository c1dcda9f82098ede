"""MiCo's space: images and sounds read by one image network, texts by BERT, all in one metric.

Source: Zhang et al., "Explore the Limits of Omni-modal Pretraining at Scale" (2024), and its released code. A sound is
read as pictures of its spectrogram, a video as its frames. The file's networks for depth, for fused modalities, for
matching and for captions are not read.
"""

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.config import Settings
from omnisearch.spaces.families import openclip, wavcaps
from omnisearch.spaces.joint_space import JointSpace
from omnisearch.spaces.nn import kaldi, pixels, torchvision_shim, waveforms
from omnisearch.spaces.nn.bert import Bert
from omnisearch.spaces.pipeline import Loader, Prepare
from omnisearch.spaces.towers import TOWERS, unit
from omnisearch.spaces.weights import modern_files, tensors
from omnisearch.spaces.weights.spec import resolve
from omnisearch.types import Content, Floats, Modality, Waveform

DIM, WIDTH = 512, 1408
TRUNK = "eva_giant_patch14_224"  # timm's name of the image network of EVA01-CLIP-g/14
SIDE = 224
SLICES = 4  # of a sound
LOUDNESS, SPREAD = 15.41663, 2 * 6.55582  # the authors' mean and twice their deviation of log mel energies
FULL_SCALE = 2**15  # samples are scaled to those of 16 bits
TOKENS = 40  # the authors cut captions here
BATCH, TEXTS = 8, 64


class Text(nn.Module):
    """Tokens and their mask (n, t) -> (n, dim): a matrix on the state of BERT's first token."""

    def __init__(self, dim: int = DIM, width: int = 768, layers: int = 12, heads: int = 12) -> None:
        super().__init__()
        self.encoder = Bert(wavcaps.VOCABULARY, width, layers, heads, 4 * width)
        self.head = nn.Linear(width, dim, bias=False)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the embeddings of texts."""
        embedded: Tensor = self.head(self.encoder(ids, mask)[:, 0])
        return embedded


class Heads(nn.Module):
    """The last step of the image network's rows: a matrix for images (v) and one for sounds (a)."""

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.v, self.a = (nn.Linear(width, dim, bias=False) for _ in range(2))


class Mico(JointSpace):
    """Maps the rows of the shared image network by the matrix of their modality; texts come from their own tower."""

    def project(self, modality: Modality, features: Floats) -> Floats:
        """Map the tower's features (n, width) to embeddings (n, 512), float32 with unit rows.

        Raises:
            ModelMissingError: the weight file is not on this machine.
            WeightsError: the weight file does not fit; names the tensors.
        """
        if modality is Modality.TEXT:
            return unit(features)
        head = self._heads.a if modality is Modality.AUDIO else self._heads.v
        with torch.inference_mode():
            return unit(head(torch.from_numpy(features)).numpy())

    @cached_property
    def _heads(self) -> Heads:
        path = resolve(modern_files.MICO, self._settings)
        with torch.device("meta"):
            heads = Heads(self.spec.dim, TOWERS[self.spec.towers[Modality.IMAGE]].width)
        tensors.adopt(heads, path, head_in_file, torch.float32)
        return heads


def trunk(**shape: Any) -> nn.Module:
    """Return the image network: pixels (n, 3, 224, 224) -> (n, 1408), the normalised state of the first token."""
    torchvision_shim.install()
    import timm

    network: nn.Module = timm.create_model(TRUNK, pretrained=False, num_classes=0, global_pool="token", **shape)
    return network


def head_in_file(name: str) -> str:
    """Return the name in the file of the matrix `x.weight`, where x is v, a or t (texts)."""
    return f"contra_head_{name.replace('.', '.linear.')}"


def text_in_file(name: str) -> str:
    """Return the name of a tensor of the text network in the file; its cross-attention there is not read."""
    part, _, rest = name.partition(".")
    return head_in_file(f"t.{rest}") if part == "head" else f"multimodal_encoder.bert.{rest}"


def picture(image: Content) -> Tensor:
    """Return normalised pixels (1, 3, 224, 224) of the whole image, squashed.

    Pixels in between are interpolated without smoothing, as by the authors' version of torchvision (0.15).
    """
    colours = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
    squashed = functional.interpolate(colours, (SIDE, SIDE), mode="bilinear", align_corners=False)
    mean, deviation = (torch.tensor(each).view(3, 1, 1) for each in (pixels.CLIP_MEAN, pixels.CLIP_DEVIATION))
    return (squashed - mean) / deviation


def slices(wave: Content) -> Tensor:
    """Return four slices of a sound's spectrogram as grey pictures (4, 3, 224, 224): time down, frequency across.

    The spectrogram is filled up with zeros to whole slices of 2.24 s, at least four, and one more if it already is of
    more than four. The slices taken are the middles of four equal parts, the earlier of two middles.
    """
    assert isinstance(wave, Waveform)
    frames = kaldi.features(waveforms.resampled(wave, kaldi.RATE) * FULL_SCALE, SIDE, kaldi.POVEY)
    frames = (frames - LOUDNESS) / SPREAD
    missing = max(SLICES * SIDE - len(frames), SIDE - len(frames) % SIDE)
    whole = functional.pad(frames, (0, 0, 0, missing)).view(-1, SIDE, SIDE)
    parts = torch.arange(len(whole)).tensor_split(SLICES)
    chosen = torch.stack([part[(len(part) + 1) // 2 - 1] for part in parts])
    return whole[chosen, None].expand(-1, 3, -1, -1)


def _pictures(settings: Settings) -> Prepare:  # noqa: ARG001
    """Return a function that maps images or sounds to pictures: float32 (n, 1 or 4, 3, 224, 224)."""

    def prepare(contents: Sequence[Content]) -> tuple[Tensor]:
        return (torch.stack([(slices if isinstance(each, Waveform) else picture)(each) for each in contents]),)

    return prepare


def _look(network: nn.Module, pictures: Tensor) -> Tensor:
    """Return the mean of the rows of each content's pictures: (n, k, 3, 224, 224) -> (n, width)."""
    rows: Tensor = network(pictures.flatten(0, 1)).view(*pictures.shape[:2], -1).mean(1)
    return rows


def _read(network: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    rows: Tensor = network(ids, mask)
    return rows


MICO_VISION = Loader(
    "mico_vision",
    WIDTH,
    modern_files.MICO,
    trunk,
    "vision_encoder.visual.{}".format,
    _pictures,
    _look,
    BATCH,
    openclip.CONSTANTS,
)
MICO_TEXT = Loader(
    "mico_text",
    DIM,
    modern_files.MICO,
    Text,
    text_in_file,
    partial(wavcaps.tokenizer, most=TOKENS),
    _read,
    TEXTS,
)
