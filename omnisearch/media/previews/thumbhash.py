"""ThumbHash: a placeholder of about 25 bytes that a page decodes to a blurred picture.

Source: https://github.com/evanw/thumbhash. The cosine transform is computed by matrix products, since
a loop over pixels is slow in Python.
"""

import numpy as np
from numpy.typing import NDArray

from omnisearch.types import Pixels

_Numbers = NDArray[np.float64]


def thumbhash(pixels: Pixels) -> bytes:
    """Encode uint8 (height, width, 4), RGBA. Sides of more than 100 pixels cost time and do not change the result."""
    height, width = pixels.shape[:2]
    colors, alpha = pixels[..., :3] / 255, pixels[..., 3] / 255
    opacity = alpha.sum()
    mean = (colors * alpha[..., None]).sum(axis=(0, 1)) / (opacity or 1.0)
    transparent = bool(opacity < width * height)
    limit, longer = 5 if transparent else 7, max(width, height)  # fewer factors of luminance if there is alpha
    across, down = (max(1, _round(limit * side / longer)) for side in (width, height))

    red, green, blue = np.moveaxis(mean * (1 - alpha[..., None]) + colors * alpha[..., None], 2, 0)
    light_mean, light_scale, light = _factors((red + green + blue) / 3, max(3, across), max(3, down))
    yellow_mean, yellow_scale, yellow = _factors((red + green) / 2 - blue, 3, 3)
    red_mean, red_scale, reds = _factors(red - green, 3, 3)

    landscape = width > height
    head = _round(63 * light_mean) | _round(31.5 + 31.5 * yellow_mean) << 6 | _round(31.5 + 31.5 * red_mean) << 12
    head |= _round(31 * light_scale) << 18 | transparent << 23
    shape = (down if landscape else across) | _round(63 * yellow_scale) << 3 | _round(63 * red_scale) << 9
    made = bytearray(head.to_bytes(3, "little") + (shape | landscape << 15).to_bytes(2, "little"))
    varying = [light, yellow, reds]
    if transparent:
        alpha_mean, alpha_scale, alphas = _factors(alpha, 5, 5)
        made.append(_round(15 * alpha_mean) | _round(15 * alpha_scale) << 4)
        varying.append(alphas)
    digits = [_round(15 * factor) for factors in varying for factor in factors]
    digits += [0] * (len(digits) % 2)
    return bytes(made) + bytes(low | high << 4 for low, high in zip(digits[::2], digits[1::2], strict=True))


def _factors(channel: _Numbers, across: int, down: int) -> tuple[float, float, _Numbers]:
    """The constant factor of a channel's cosine transform, the largest other one, and the others in [0, 1]."""
    table = _waves(down, channel.shape[0]) @ channel @ _waves(across, channel.shape[1]).T / channel.size
    kept = [(y, x) for y in range(down) for x in range(across) if x * down < across * (down - y)]
    others = np.array([table[at] for at in kept[1:]])
    scale = float(np.abs(others).max())
    return float(table[0, 0]), scale, 0.5 + 0.5 / scale * others if scale else others


def _waves(count: int, side: int) -> _Numbers:
    """Cosines (count, side) of 0, 1, 2 ... half waves."""
    waves: _Numbers = np.cos(np.pi / side * np.arange(count)[:, None] * (np.arange(side) + 0.5))
    return waves


def _round(number: float) -> int:
    return int(np.floor(number + 0.5))  # as JavaScript rounds, in which the format is defined
