"""Mel spectrograms in torch. librosa's are the same, and take seconds to import."""

import math

import torch
from torch import Tensor


def filters(rate: int, window: int, bands: int) -> Tensor:
    """Return triangular filters on the HTK mel scale from 0 Hz to half the rate: (bands, window // 2 + 1).

    The rows sum to one (librosa's `htk=True, norm=1.0`).
    """
    frequencies = torch.linspace(0, rate / 2, window // 2 + 1, dtype=torch.float64)
    top = 2595 * math.log10(1 + rate / 2 / 700)
    corners = 700 * (10 ** (torch.linspace(0, top, bands + 2, dtype=torch.float64) / 2595) - 1)
    steps = corners.diff()  # (bands + 1,)
    slopes = corners[:, None] - frequencies  # (bands + 2, bins)
    rising, falling = -slopes[:-2] / steps[:-1, None], slopes[2:] / steps[1:, None]
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return (triangles / triangles.sum(1, keepdim=True).clamp(min=1e-300)).float()


def power(samples: Tensor, window: int, hop: int) -> Tensor:
    """Return the power spectrogram of (n,) samples in centred Hann windows: (1 + n // hop, window // 2 + 1)."""
    spectrum = torch.stft(
        samples, window, hop, window=torch.hann_window(window), center=True, pad_mode="constant", return_complex=True
    )
    return spectrum.abs().square().T
