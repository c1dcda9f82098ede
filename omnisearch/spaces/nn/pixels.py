"""Prepare pictures for vision transformers: squares of normalised pixels."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from omnisearch.types import Content, Pixels

Channels: TypeAlias = tuple[float, float, float]
Fit: TypeAlias = Callable[[Pixels, int], Pixels]

# The mean and the deviation of OpenAI CLIP's training pixels, which most of its successors kept.
CLIP_MEAN, CLIP_DEVIATION = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
HALF = (0.5, 0.5, 0.5)  # SigLIP's mean and deviation: pixels in [-1, 1]


def crop(image: Pixels, side: int, whole: Callable[[float], int] = round) -> Pixels:
    """Scale an image to a shorter side of `side` pixels and crop its centre: uint8 (side, side, 3).

    `whole` rounds the left and upper edge of the crop: torchvision rounds to nearest, transformers rounds down.
    """
    height, width = image.shape[:2]
    shorter = min(height, width)
    size = (int(side * width / shorter), int(side * height / shorter))
    left, top = (whole((length - side) / 2) for length in size)
    return _resize(image, size)[top : top + side, left : left + side]


def squash(image: Pixels, side: int, resample: Image.Resampling = Image.Resampling.BICUBIC) -> Pixels:
    """Scale the whole image to a square, ignoring its aspect: uint8 (side, side, 3)."""
    return _resize(image, (side, side), resample)


def batch(images: Sequence[Content], fit: Fit, side: int, mean: Channels, deviation: Channels) -> Tensor:
    """Convert uint8 images (height, width, 3) to normalised pixels: float32 (n, 3, side, side)."""
    squares = np.stack([fit(np.asarray(image), side) for image in images])
    pixels = torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 255
    return (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(deviation).view(3, 1, 1)


def _resize(image: Pixels, size: tuple[int, int], resample: Image.Resampling = Image.Resampling.BICUBIC) -> Pixels:
    return np.asarray(Image.fromarray(image).resize(size, resample))
