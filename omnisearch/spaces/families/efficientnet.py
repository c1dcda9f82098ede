"""The image tower: EfficientNet-Lite2, a small ImageNet classifier, whose features before the classifier are used.

Source: Tan and Le, "EfficientNet" (2019), in the variant without squeeze-and-excitation; run by timm.
"""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.device import choose
from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.nn.convolutions import prepared
from omnisearch.spaces.weights import tensors, weight_files
from omnisearch.spaces.weights.spec import resolve
from omnisearch.types import Content, Floats, Pixels

SIDE = 260
WIDTH = 1280
BATCH = 8  # larger batches are slower on a CPU: their activations leave the cache
ASPECT = 4 / 3  # training squashed crops of up to this aspect to squares; wider pictures are cropped to it
CLASSIFIER = ("_fc.weight", "_fc.bias")  # (1000, 1280) and (1000,) in the weight file


class EfficientNet:
    """Embeds images as pooled features: float32 (n, 1280), not normalised."""

    name = "efficientnet"
    width = WIDTH

    def __init__(self, network: nn.Module, device: torch.device, fingerprint: str) -> None:
        self._network = network.eval().to(device)
        self._device, self.fingerprint = device, fingerprint

    @classmethod
    def load(cls, settings: Settings, fingerprint: str) -> "EfficientNet":
        """Read the network from this machine.

        Raises:
            ModelMissingError: the weight file is not here.
            WeightsError: it does not fit the network.
        """
        return cls(prepared(read(settings)), choose(settings), fingerprint)

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, 1280) for uint8 images (height, width, 3)."""
        result = np.zeros((len(contents), self.width), np.float32)
        for start in range(0, len(contents), BATCH):
            batch = np.stack([prepare(np.asarray(image)) for image in contents[start : start + BATCH]])
            result[start : start + BATCH] = self._pooled(torch.from_numpy(batch)).cpu().numpy()
        return result

    @torch.inference_mode()
    def _pooled(self, batch: Tensor) -> Tensor:
        features: Tensor = self._network(normalise(batch.to(self._device)))
        return features


def build() -> nn.Module:
    """Return the network without weights and without its classifier: (b, 3, 260, 260) -> (b, 1280)."""
    torchvision_shim.install()
    import timm

    network: nn.Module = timm.create_model("tf_efficientnet_lite2", pretrained=False, num_classes=0)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def read(settings: Settings) -> nn.Module:
    """Return the network with its weights, as `build` makes it.

    Raises:
        ModelMissingError: the weight file is not here.
        WeightsError: it does not fit the network.
    """
    path = resolve(weight_files.EFFICIENTNET, settings)
    network = build()
    state = {name: tensor for name, tensor in tensors.read(path).items() if name not in CLASSIFIER}
    tensors.fill(network, _renamed(state, network, path), path)
    return network


def normalise(batch: Tensor) -> Tensor:
    """Scale prepared images as in training: (b, side, side, 3) uint8 -> (b, 3, side, side), channels last."""
    return (batch.permute(0, 3, 1, 2).to(torch.float32) - 127) / 128


def prepare(image: Pixels) -> Pixels:
    """Return the centre of an image, at most 4:3 wide or 3:4 tall, squashed to a square: uint8 (260, 260, 3)."""
    height, width = image.shape[:2]
    box_height, box_width = min(height, width * ASPECT), min(width, height * ASPECT)
    left, top = (width - box_width) / 2, (height - box_height) / 2
    box = (left, top, left + box_width, top + box_height)
    squashed = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box, reducing_gap=2.0)
    return np.asarray(squashed)


def _renamed(state: dict[str, Tensor], network: nn.Module, path: object) -> dict[str, Tensor]:
    """Rename the tensors to timm's names; both list the same layers in the same order."""
    wanted = network.state_dict()
    if [tuple(t.shape) for t in state.values()] != [tuple(t.shape) for t in wanted.values()]:
        raise WeightsError(f"{path} does not hold the tensors of EfficientNet-Lite2 in their order")
    return dict(zip(wanted, state.values(), strict=True))
