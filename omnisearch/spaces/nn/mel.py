"""Mel spectrograms in torch. They equal librosa's, which takes seconds to import."""

import math
from typing import Literal

import torch
from torch import Tensor

# Slaney's scale is linear up to 1 kHz (15 mels) and logarithmic above: 27 mels for a factor of 6.4.
_KNEE, _STEP, _GROWTH = 1000.0, 200 / 3, math.log(6.4) / 27


def filters(
    rate: int,
    window: int,
    bands: int,
    low: float = 0.0,
    high: float | None = None,
    scale: Literal["htk", "slaney"] = "htk",
    norm: Literal["sum", "area", "peak"] = "sum",
    straight: Literal["hertz", "mel"] = "hertz",
) -> Tensor:
    """Return triangular filters from `low` to `high` Hz, half the rate by default: (bands, window // 2 + 1).

    The rows sum to one (librosa's `norm=1.0`), have the area of one Hz (`norm="slaney"`), or rise to one (`norm=None`).
    With `straight` the triangles are linear in hertz, as in librosa, else in mels, as in TensorFlow.
    """
    frequencies = torch.linspace(0, rate / 2, window // 2 + 1, dtype=torch.float64)
    to_mel, to_hertz = (_htk, _htk_inverse) if scale == "htk" else (_slaney, _slaney_inverse)
    start, end = to_mel(torch.tensor([low, high or rate / 2], dtype=torch.float64)).tolist()
    corners = torch.linspace(start, end, bands + 2, dtype=torch.float64)
    if straight == "hertz":
        corners = to_hertz(corners)
    else:
        frequencies = to_mel(frequencies)
    steps = corners.diff()  # (bands + 1,)
    slopes = corners[:, None] - frequencies  # (bands + 2, bins)
    rising, falling = -slopes[:-2] / steps[:-1, None], slopes[2:] / steps[1:, None]
    triangles = torch.minimum(rising, falling).clamp(min=0)
    if norm == "sum":
        triangles = triangles / triangles.sum(1, keepdim=True).clamp(min=1e-300)
    elif norm == "area":
        triangles = triangles * (2 / (corners[2:] - corners[:-2]))[:, None]
    return triangles.float()


def power(samples: Tensor, window: int, hop: int, edges: Literal["constant", "reflect"] = "constant") -> Tensor:
    """Return the power spectrogram of (n,) samples in centred Hann windows: (1 + n // hop, window // 2 + 1).

    `edges` is the padding mode before the first sample and after the last: silence or reflection.
    """
    spectrum = torch.stft(
        samples, window, hop, window=torch.hann_window(window), center=True, pad_mode=edges, return_complex=True
    )
    return spectrum.abs().square().T


def _htk(hertz: Tensor) -> Tensor:
    return 2595 * torch.log10(1 + hertz / 700)


def _htk_inverse(mels: Tensor) -> Tensor:
    return 700 * (10 ** (mels / 2595) - 1)


def _slaney(hertz: Tensor) -> Tensor:
    above = _KNEE / _STEP + torch.log(hertz.clamp(min=_KNEE) / _KNEE) / _GROWTH
    return torch.where(hertz < _KNEE, hertz / _STEP, above)


def _slaney_inverse(mels: Tensor) -> Tensor:
    above = _KNEE * torch.exp(_GROWTH * (mels - _KNEE / _STEP))
    return torch.where(mels < _KNEE / _STEP, mels * _STEP, above)
