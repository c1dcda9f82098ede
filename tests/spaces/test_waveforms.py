"""Resampling, spectra and mel filters, against scipy and by their formulas."""

import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
import torch
from scipy import signal

from omnisearch.errors import NotReadyError
from omnisearch.spaces.nn import waveforms
from omnisearch.types import Floats, Waveform

Scale = Literal["htk", "slaney"]
SCALES: list[Scale] = ["htk", "slaney"]


def noise(count: int) -> Floats:
    return np.random.default_rng(0).normal(scale=0.1, size=count).astype(np.float32)


@pytest.mark.parametrize("scale", SCALES)
def test_norms_are_what_they_are_called(scale: Scale) -> None:
    """A window this long samples the triangles finely enough to measure them."""
    rate, window = 16_000, 1 << 16
    norms: Sequence[float | Literal["slaney"] | None] = (1.0, "slaney", None)
    total, area, peak = (waveforms.filters(rate, window, 20, 100, 7000, scale, norm).double().numpy() for norm in norms)
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
    found = waveforms.filters(16_000, 1 << 16, 40, 0, 8000, "slaney", None)
    peaks = found.argmax(1).double().numpy() * 16_000 / (1 << 16)
    below, above = peaks[peaks < 1000], peaks[peaks > 1000]
    assert len(below) > 10
    assert len(above) > 10
    np.testing.assert_allclose(np.diff(below), np.diff(below).mean(), atol=0.5)
    ratios = [b / a for a, b in pairwise(above)]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-3)


@pytest.mark.parametrize(("edges", "padding"), [("constant", "zeros"), ("reflect", "even")])
@pytest.mark.parametrize("count", [4000, 4096])
def test_power_is_scipys(edges: Literal["constant", "reflect"], padding: str, count: int) -> None:
    samples = noise(count)
    window, hop = 512, 128
    transform = signal.ShortTimeFFT(signal.windows.hann(window, sym=False), hop, 1.0)
    # scipy's frames start before the first sample; ours are centred on every hop from the first sample on.
    expected = np.abs(transform.stft(samples.astype(np.float64), 0, 1 + count // hop, padding=padding)).T ** 2
    found = waveforms.power(torch.from_numpy(samples), window, hop, edges).numpy()
    assert found.shape == (1 + count // hop, window // 2 + 1)
    np.testing.assert_allclose(found, expected, atol=1e-5 * expected.max())


def test_a_sound_shorter_than_a_window_is_padded_with_silence() -> None:
    samples = noise(100)
    (row,) = waveforms.power(torch.from_numpy(samples), 512, 128).numpy()
    placed = np.zeros(512)
    placed[256:356] = samples
    expected = np.abs(np.fft.rfft(placed * signal.windows.hann(512, sym=False))) ** 2
    np.testing.assert_allclose(row, expected, atol=1e-5 * expected.max())
    assert waveforms.power(torch.zeros(0), 512, 128).shape == (1, 257)


@pytest.mark.parametrize(("rate", "to"), [(48_000, 16_000), (44_100, 48_000), (11_025, 16_000)])
def test_a_tone_keeps_its_height_and_its_length(rate: int, to: int) -> None:
    hertz, seconds = 441.0, 0.5
    found = waveforms.resampled(Waveform(tone(hertz, rate, seconds), rate), to)
    assert found.dtype == torch.float32
    assert abs(len(found) - to * seconds) <= 1
    inside = slice(to // 20, -to // 20)  # the ends ring
    expected = tone(hertz, to, seconds)[: len(found)]
    np.testing.assert_allclose(found.numpy()[: len(expected)][inside], expected[inside], atol=1e-4)


def tone(hertz: float, rate: int, seconds: float) -> Floats:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def test_a_sound_of_the_right_rate_is_left_alone() -> None:
    samples = noise(1000)
    np.testing.assert_array_equal(waveforms.resampled(Waveform(samples, 16_000), 16_000).numpy(), samples)


def test_librosa_without_a_folder_for_what_it_compiles_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unwritable:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError("cannot cache function '__shear_dense': no locator available for file 'utils.py'")

    monkeypatch.setitem(sys.modules, "librosa", Unwritable())
    with pytest.raises(NotReadyError, match=r"cannot cache function.*NUMBA_CACHE_DIR"):
        waveforms.resampled(Waveform(noise(1000), 8000), 16_000)


def test_a_missing_librosa_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(NotReadyError, match=r"librosa cannot be imported: .*; install it again"):
        waveforms.resampled(Waveform(np.zeros(100, np.float32), 8_000), 16_000)
