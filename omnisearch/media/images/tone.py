"""Tone mapping: linear light of any range to 8 bits per sample."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from omnisearch.types import Floats

# Relative luminance of linear sRGB (ITU-R BT.709).
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
# A mean luminance within these bounds keeps its exposure; it is the geometric mean of the pixels that are not black.
_DARKEST_MEAN, _LIGHTEST_MEAN = 0.05, 0.5
_WHITE_PERCENTILE = 99.0


def tone_mapped(light: Floats) -> Image.Image:
    """Map linear RGB (height, width, 3) of any range to an sRGB picture.

    Exposure brings the mean luminance into [0.05, 0.5]. Then Reinhard's curve L (1 + L / w^2) / (1 + L) is applied to
    luminance (Reinhard et al. 2002, eq. 4), where the white w is the 99th percentile, at least 1: light within [0, 1]
    is not changed. Negative, infinite and undefined values become 0 or the largest finite value.
    """
    light = np.nan_to_num(light, nan=0.0, posinf=65504.0, neginf=0.0).clip(0.0, 1e9)
    luminance = light @ _LUMINANCE
    seen = luminance[luminance > 1e-9]
    mean = float(np.exp(np.log(seen).mean())) if len(seen) else 1.0
    exposure = min(max(mean, _DARKEST_MEAN), _LIGHTEST_MEAN) / mean
    luminance = luminance * exposure
    white = max(1.0, float(np.percentile(luminance, _WHITE_PERCENTILE)))
    gain = exposure * (1 + luminance / white**2) / (1 + luminance)
    return Image.fromarray((_srgb(light * gain[..., None]) * 255).round().astype(np.uint8))


def _srgb(light: Floats) -> NDArray[np.floating]:
    """The transfer function of sRGB (IEC 61966-2-1)."""
    light = light.clip(0.0, 1.0)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
