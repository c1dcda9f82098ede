"""PE-Core's towers: images and texts of the Perception Encoder, run by open_clip and timm.

Source: Bolya et al., "Perception Encoder: The best visual embeddings are not at the output of the network" (2025).
A video is embedded as by the authors: the mean of the frames' embeddings.
"""

from functools import partial
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from omnisearch.config import Settings
from omnisearch.spaces.families import openclip
from omnisearch.spaces.nn import pixels, torchvision_shim
from omnisearch.spaces.pipeline import Loader, Prepare
from omnisearch.spaces.weights import modern_files

TRUNK, MODEL = "vit_pe_core_large_patch14_336", "PE-Core-L-14-336"
DIM, SIDE = 1024, 336
TOKENS = 32  # the context length of the network


def image_network(dim: int = DIM, **shape: Any) -> nn.Module:
    """Return the image tower: pixels (n, 3, 336, 336) -> (n, dim).

    No file contains its rotary positions, and they stay float32 in every precision, so they are created here.
    """
    torchvision_shim.install()
    import timm

    network: nn.Module = timm.create_model(TRUNK, pretrained=False, num_classes=dim, **shape)
    rope: Any = network.get_submodule("rope").to_empty(device="cpu")
    with torch.device("cpu"):
        rope.init_non_persistent_buffers()
    return network


def text_network(**changes: Any) -> nn.Module:
    """Return the text tower: tokens (n, 32) -> (n, 1024).

    Raises:
        NotReadyError: open_clip is not installed.
    """
    return openclip.text_part(MODEL, **changes)


def _images(settings: Settings) -> Prepare:  # noqa: ARG001
    fit = partial(pixels.squash, resample=Image.Resampling.BILINEAR)
    return lambda images: (pixels.batch(images, fit, SIDE, pixels.HALF, pixels.HALF),)


def _texts(settings: Settings) -> Prepare:  # noqa: ARG001
    return openclip.tokenizer(TOKENS, TOKENS)


def _run(network: nn.Module, inputs: Tensor) -> Tensor:
    rows: Tensor = network(inputs)
    return rows


PE_CORE_IMAGE = Loader(
    "pe_core_image", DIM, modern_files.PE_CORE, image_network, "visual.trunk.{}".format, _images, _run, openclip.IMAGES
)
PE_CORE_TEXT = Loader(
    "pe_core_text",
    DIM,
    modern_files.PE_CORE,
    text_network,
    "text.{}".format,
    _texts,
    _run,
    openclip.TEXTS,
    openclip.CONSTANTS,
)
