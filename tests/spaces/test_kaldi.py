"""Kaldi's features, against transformers' implementation of them."""

import numpy as np
import pytest
import torch

from omnisearch.spaces.nn import kaldi, torchvision_shim
from omnisearch.types import Floats


def reference(samples: Floats, bands: int, window: str = "hann") -> Floats:
    torchvision_shim.install()
    from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

    filters = mel_filter_bank(
        257, bands, 20, 8000, 16_000, norm=None, mel_scale="kaldi", triangularize_in_mel_space=True
    )
    found = spectrogram(
        samples,
        window_function(400, window, periodic=False),
        frame_length=400,
        hop_length=160,
        fft_length=512,
        power=2.0,
        center=False,
        preemphasis=0.97,
        mel_filters=filters,
        log_mel="log",
        mel_floor=1.192092955078125e-07,
        remove_dc_offset=True,
    )
    return found.T.astype(np.float32)


def noise(count: int) -> Floats:
    return np.random.default_rng(0).normal(scale=0.1, size=count).astype(np.float32)


@pytest.mark.slow  # to import transformers takes seconds
@pytest.mark.filterwarnings("ignore:At least one mel filter")  # the lowest filters lie between two frequencies
@pytest.mark.parametrize("count", [400, 559, 560, 32_000])
def test_the_features_are_kaldis(count: int) -> None:
    samples = noise(count) + np.float32(0.3)  # an offset is taken out of each window
    found = kaldi.features(torch.from_numpy(samples), 128).numpy()
    assert found.shape == (1 + (count - 400) // 160, 128)
    np.testing.assert_allclose(found, reference(samples, 128), atol=1e-3)


def test_silence_has_the_least_energy_and_less_than_a_window_no_frames() -> None:
    assert kaldi.features(torch.zeros(399), 128).shape == (0, 128)
    expected = np.full((2, 128), np.log(2.0**-23), np.float32)
    np.testing.assert_allclose(kaldi.features(torch.zeros(560), 128).numpy(), expected, rtol=1e-6)


def test_an_offset_changes_nothing() -> None:
    samples = torch.from_numpy(noise(4000))
    torch.testing.assert_close(kaldi.features(samples + 0.5, 64), kaldi.features(samples, 64), atol=2e-3, rtol=0)
