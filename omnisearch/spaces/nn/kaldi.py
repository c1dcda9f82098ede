"""Log mel features as the Kaldi speech toolkit computes them, in torch.

Source: Kaldi's feature-fbank with its defaults, but no dither; the features of AST and ImageBind (with a Hann window)
and of MiCo (with Kaldi's own).
librosa has none: Kaldi centres and preemphasizes every window by itself, and its filters are linear in mels.
"""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

RATE = 16_000
WINDOW, HOP, FFT = 400, 160, 512  # 25 and 10 ms
LOWEST = 20.0  # Hz
PREEMPHASIS = 0.97
HANN, POVEY = 1.0, 0.85  # exponents of a Hann window; Kaldi's default window is named after Povey


def features(samples: Tensor, bands: int, window: float = HANN) -> Tensor:
    """Return the log mel energies of (n,) samples at 16 kHz: (frames, bands), of whole windows only.

    `window` is the exponent of the Hann window that weights each frame.
    """
    if len(samples) < WINDOW:
        return samples.new_zeros(0, bands)
    frames = samples.unfold(0, WINDOW, HOP)  # (frames, WINDOW)
    frames = frames - frames.mean(1, keepdim=True)
    # Windows are independent: the first sample of each is also its own predecessor.
    frames = frames - PREEMPHASIS * functional.pad(frames[None], (1, 0), mode="replicate")[0, :, :-1]
    frames = frames * torch.hann_window(WINDOW, periodic=False) ** window
    power = torch.fft.rfft(frames, FFT).abs().square()
    energies: Tensor = power @ filters(RATE, FFT, bands, LOWEST, RATE / 2).T
    return energies.clamp(min=torch.finfo(torch.float32).eps).log()


@cache
def filters(rate: int, window: int, bands: int, low: float, high: float) -> Tensor:
    """Return triangular filters from `low` to `high` Hz of height one: (bands, window // 2 + 1).

    The triangles are linear in mels, as those of Kaldi and of TensorFlow; librosa's are linear in Hz.
    """
    mels = _mel(torch.linspace(0, rate / 2, window // 2 + 1, dtype=torch.float64))
    lowest, highest = _mel(torch.tensor([low, high], dtype=torch.float64)).tolist()
    step = (highest - lowest) / (bands + 1)
    centres = lowest + step * torch.arange(1, bands + 1)
    triangles: Tensor = 1 - (mels - centres[:, None]).abs() / step
    return triangles.clamp(min=0).float()


def _mel(hertz: Tensor) -> Tensor:
    return 1127 * torch.log1p(hertz / 700)
