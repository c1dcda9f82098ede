"""Resample sounds and compute their mel bands, with librosa.

Importing librosa takes seconds, so it is imported when a tower of sounds loads. librosa compiles functions through
numba on its first import on a machine, and keeps them in its own folder or in that of the setting NUMBA_CACHE_DIR.
"""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from omnisearch.errors import NotReadyError
from omnisearch.types import Waveform

if TYPE_CHECKING:
    from types import ModuleType


def resampled(wave: Waveform, rate: int) -> Tensor:
    """Return the samples of a sound at another rate: float32 (n,)."""
    samples = wave.samples
    if wave.rate != rate:
        samples = _librosa().resample(samples, orig_sr=wave.rate, target_sr=rate, res_type="soxr_hq", fix=False)
    return torch.from_numpy(np.ascontiguousarray(samples, np.float32))


def filters(
    rate: int,
    window: int,
    bands: int,
    low: float = 0.0,
    high: float | None = None,
    scale: Literal["htk", "slaney"] = "htk",
    norm: float | Literal["slaney"] | None = 1.0,
) -> Tensor:
    """Return triangular filters from `low` to `high` Hz, half the rate by default: (bands, window // 2 + 1).

    The rows sum to one (`norm=1.0`), have the area of one Hz ("slaney"), or rise to one (None).
    """
    htk = scale == "htk"
    found = _librosa().filters.mel(sr=rate, n_fft=window, n_mels=bands, fmin=low, fmax=high, htk=htk, norm=norm)
    return torch.from_numpy(found)


def power(samples: Tensor, window: int, hop: int, edges: Literal["constant", "reflect"] = "constant") -> Tensor:
    """Return the power spectrogram of (n,) samples in centred Hann windows: (1 + n // hop, window // 2 + 1).

    `edges` is the padding before the first sample and after the last: silence or reflection.
    """
    # Padded here, because librosa warns of sounds that are shorter than a window.
    padded = np.pad(samples.numpy(), window // 2, mode=edges)
    spectrum = _librosa().stft(padded, n_fft=window, hop_length=hop, center=False)  # (bins, frames)
    return torch.from_numpy(np.square(np.abs(spectrum)).T)


def _librosa() -> Any:
    """Return librosa with the parts used here.

    Raises:
        NotReadyError: librosa or what it needs is missing, or no folder for compiled functions can be written.
    """
    try:
        import librosa

        librosa.resample, librosa.filters.mel, librosa.stft  # noqa: B018 - imports them
    except ImportError as error:
        raise NotReadyError(f"librosa cannot be imported: {error}; install it again, with what it needs") from None
    except RuntimeError as error:
        raise NotReadyError(
            f"librosa cannot be imported: {error}; set NUMBA_CACHE_DIR to a folder that can be written"
        ) from None
    found: ModuleType = librosa
    return found
