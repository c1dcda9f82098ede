"""Mel spectrograms are librosa's, whichever scale and norm; and what the formulas say without it."""

from itertools import pairwise, product
from typing import Literal

import numpy as np
import pytest
import torch

from omnisearch.spaces.nn import mel

Scale = Literal["htk", "slaney"]
Norm = Literal["sum", "area", "peak"]
LIBROSAS: dict[Norm, Literal["slaney"] | float | None] = {"sum": 1.0, "area": "slaney", "peak": None}
# Rate, window, bands, from, to.
RANGES = [(44_100, 2048, 96, 0.0, None), (16_000, 512, 96, 0.0, None), (48_000, 1024, 64, 50.0, 14_000.0)]
SCALES: list[Scale] = ["htk", "slaney"]


@pytest.mark.slow  # to import librosa takes seconds
@pytest.mark.filterwarnings("ignore:Empty filters:UserWarning")  # 96 bands of 257 bins
@pytest.mark.parametrize(("rate", "window", "bands", "low", "high"), RANGES)
@pytest.mark.parametrize(("scale", "norm"), list(product(SCALES, LIBROSAS)))
def test_filters_are_librosas(
    rate: int, window: int, bands: int, low: float, high: float | None, scale: Scale, norm: Norm
) -> None:
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(
        sr=rate, n_fft=window, n_mels=bands, fmin=low, fmax=high, htk=scale == "htk", norm=LIBROSAS[norm]
    )
    found = mel.filters(rate, window, bands, low, high, scale, norm).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * expected.max())


@pytest.mark.parametrize("scale", SCALES)
def test_norms_are_what_they_are_called(scale: Scale) -> None:
    """A window this long samples the triangles finely enough to measure them."""
    rate, window = 16_000, 1 << 16
    total, area, peak = (
        mel.filters(rate, window, 20, 100, 7000, scale, norm).double().numpy() for norm in ("sum", "area", "peak")
    )
    np.testing.assert_allclose(total.sum(1), 1, rtol=1e-5)
    np.testing.assert_allclose(area.sum(1) * rate / window, 1, rtol=1e-3)
    np.testing.assert_allclose(peak.max(1), 1, atol=0.01)
    # Triangles of neighbours cross at a half and add up to one between the first peak and the last.
    first, last = peak[0].argmax(), peak[-1].argmax()
    np.testing.assert_allclose(peak.sum(0)[first + 1 : last], 1, atol=1e-5)
    heard = np.flatnonzero(peak.sum(0)) * rate / window
    assert heard.min() == pytest.approx(100, abs=1)
    assert heard.max() == pytest.approx(7000, abs=1)


def test_slaneys_bands_are_even_below_one_kilohertz_and_in_ratio_above() -> None:
    peaks = mel.filters(16_000, 1 << 16, 40, 0, 8000, "slaney", "peak").argmax(1).double().numpy() * 16_000 / (1 << 16)
    below, above = peaks[peaks < 1000], peaks[peaks > 1000]
    assert len(below) > 10
    assert len(above) > 10
    np.testing.assert_allclose(np.diff(below), np.diff(below).mean(), atol=0.5)
    ratios = [b / a for a, b in pairwise(above)]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-3)


@pytest.mark.slow
def test_power_is_librosas() -> None:
    librosa = pytest.importorskip("librosa")
    samples = np.random.default_rng(0).normal(size=20_000).astype(np.float32)
    expected = np.abs(librosa.stft(samples, n_fft=2048, hop_length=1024)).T ** 2
    np.testing.assert_allclose(mel.power(torch.from_numpy(samples), 2048, 1024).numpy(), expected, rtol=1e-3, atol=1e-2)
