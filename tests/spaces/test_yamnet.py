"""The event tower: a TensorFlow data file, the network by its formulas, sounds of any length."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

from omnisearch.config import load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.families import yamnet
from omnisearch.spaces.families.yamnet import HOP, LAYERS, PATCH, PATCH_HOP, RATE, WIDTH, WINDOW, Network, Yamnet, fill
from omnisearch.spaces.towers import load_tower
from omnisearch.spaces.weights import weight_files
from omnisearch.spaces.weights.spec import resolve
from omnisearch.types import Floats, Waveform

FIRST = WINDOW + (PATCH - 1) * HOP  # samples of one patch
NEXT = PATCH_HOP * HOP  # samples to the next


class Sums(nn.Module):
    """A network that is quick: the levels of a patch, told apart by their place in it."""

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        return patches.flatten(1)[:, :WIDTH]


def make_tower() -> Yamnet:
    return Yamnet(Sums(), torch.device("cpu"), "sums")


def sound(samples: int, seed: int = 0, rate: int = RATE) -> Waveform:
    return Waveform(np.random.default_rng(seed).uniform(-0.5, 0.5, samples).astype(np.float32), rate)


def kernels() -> list[tuple[int, int, int, int]]:
    """The kernels in the order of their layers as TensorFlow shapes them: height, width, inputs, outputs."""
    shapes, width = [(3, 3, 1, 32)], 32
    for _, outputs in LAYERS:
        shapes += [(3, 3, width, 1), (1, 1, width, outputs)]
        width = outputs
    return shapes


def test_a_data_file_is_read_back_exactly(tmp_path: Path) -> None:
    """Every number of the file is another one, and goes where TensorFlow's axes say."""
    place = 2  # two numbers of a training loop
    expected: dict[str, Floats] = {}

    def take(*shape: int) -> Floats:
        nonlocal place
        size = int(np.prod(shape))
        place += size
        return np.arange(place - size, place, dtype=np.float32).reshape(shape)

    for n, (height, width, inputs, outputs) in enumerate(kernels()):
        depthwise = outputs == 1
        kernel = take(height, width, inputs, outputs)
        axes = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
        expected[f"layers.{n}.conv.weight"] = kernel.transpose(axes)
        for part in ("bias", "running_mean", "running_var"):
            expected[f"layers.{n}.bn.{part}"] = take(inputs if depthwise else outputs)
        expected[f"layers.{n}.bn.weight"] = np.ones(inputs if depthwise else outputs, np.float32)
    expected["events.weight"], expected["events.bias"] = take(1024, 521).T, take(521)
    assert place < 1 << 24, "float32 tells these integers apart"
    assert weight_files.YAMNET.size
    stored = np.arange(place, dtype="<f4").tobytes()
    (tmp_path / "yamnet.data").write_bytes(stored + bytes(weight_files.YAMNET.size - len(stored)))
    network = Network()
    fill(network, tmp_path / "yamnet.data")
    state = {name: array for name, array in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    assert state.keys() == expected.keys()
    for name, array in state.items():
        np.testing.assert_array_equal(array.numpy(), expected[name], err_msg=name)


@pytest.mark.parametrize("change", [-4, -1, 1, 4])
def test_a_file_of_another_length_is_refused(tmp_path: Path, change: int) -> None:
    assert weight_files.YAMNET.size
    (tmp_path / "cut.data").write_bytes(bytes(weight_files.YAMNET.size + change))
    with pytest.raises(WeightsError, match=r"cut\.data holds"):
        fill(Network(), tmp_path / "cut.data")


def random_network() -> Network:
    """Weights and statistics of all sizes and signs, so that nothing can be left out unseen."""
    random = torch.Generator().manual_seed(0)
    network = Network().double().eval()
    for name, value in network.state_dict().items():
        if value.dtype.is_floating_point and not name.endswith("bn.weight"):
            drawn = torch.randn(value.shape, generator=random, dtype=torch.float64)
            spread = 1 / max(value[0].numel(), 1) ** 0.5 if value.ndim > 1 else 0.5
            value.copy_(drawn.abs() + 0.5 if "running_var" in name else drawn * spread)
    return network


def plain(state: Mapping[str, Floats], frames: Floats) -> Floats:
    """The network over one patch (96, 64), by its formulas."""

    def same(x: Floats, size: int, stride: int) -> Floats:
        """Windows of a map (height, width, c) as TensorFlow's SAME takes them: (h, w, c, size, size)."""
        pads = []
        for length in x.shape[:2]:
            lacking = max((-(-length // stride) - 1) * stride + size - length, 0)
            pads.append((lacking // 2, lacking - lacking // 2))
        return sliding_window_view(np.pad(x, (*pads, (0, 0))), (size, size), (0, 1))[::stride, ::stride]

    def norm(n: int, x: Floats) -> Floats:
        shift, mean, var = (state[f"layers.{n}.bn.{part}"] for part in ("bias", "running_mean", "running_var"))
        return np.maximum((x - mean) / np.sqrt(var + 1e-4) + shift, 0)

    x = norm(0, np.einsum("hwcij,ocij->hwo", same(frames[..., None], 3, 2), state["layers.0.conv.weight"]))
    for layer, (stride, _) in enumerate(LAYERS):
        n = 1 + 2 * layer
        x = norm(n, np.einsum("hwcij,cij->hwc", same(x, 3, stride), state[f"layers.{n}.conv.weight"][:, 0]))
        x = norm(n + 1, np.einsum("hwc,oc->hwo", x, state[f"layers.{n + 1}.conv.weight"][..., 0, 0]))
    assert x.shape == (3, 2, 1024)
    embedded = x.mean((0, 1))
    logits = state["events.weight"] @ embedded + state["events.bias"]
    return np.concatenate([embedded, 1 / (1 + np.exp(-logits))])


def test_the_network_is_its_formulas_in_float64() -> None:
    network = random_network()
    frames = np.random.default_rng(0).normal(size=(2, PATCH, 64))
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    with torch.inference_mode():
        found = network(torch.from_numpy(frames)).numpy()
    expected = np.array([plain(state, patch) for patch in frames])
    assert np.ptp(expected[:, :1024]) > 1e-3, "the random network says something"
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_the_spectrogram_is_its_formulas() -> None:
    """Hann windows of 25 ms every 10 ms, magnitudes, triangles that are straight along mels, logarithm."""
    wave = sound(FIRST)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    framed = sliding_window_view(wave.samples.astype(np.float64), WINDOW)[::HOP] * hann
    magnitudes = np.abs(np.fft.rfft(framed, 512))
    mels = 1127 * np.log(1 + np.arange(257) * RATE / 512 / 700)
    corners = np.linspace(*(1127 * np.log(1 + np.array([125.0, 7500.0]) / 700)), 66)
    rising = (mels - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - mels) / np.diff(corners)[1:, None]
    expected = np.log(magnitudes @ np.maximum(np.minimum(rising, falling), 0).T + 0.001)
    np.testing.assert_allclose(make_tower().spectrogram(wave).numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("rate", [8000, 22_050, 48_000])
def test_a_tone_is_heard_at_its_pitch_whatever_the_rate(rate: int) -> None:
    tower = make_tower()
    levels = []
    for each in (RATE, rate):
        samples = np.sin(2 * np.pi * 1000 / each * np.arange(each)).astype(np.float32) / 2
        levels.append(tower.spectrogram(Waveform(samples, each))[10:80].mean(0))
    assert levels[0].argmax() == levels[1].argmax()
    assert float(levels[0].max()) == pytest.approx(float(levels[1].max()), abs=0.05)


@pytest.mark.parametrize(
    ("samples", "patches"),
    [(0, 1), (1, 1), (FIRST - 1, 1), (FIRST, 1), (FIRST + 1, 2), (FIRST + NEXT, 2), (FIRST + NEXT + 1, 3)],
)
def test_nothing_of_a_sound_is_left_out_and_silence_fills_the_last_patch(samples: int, patches: int) -> None:
    tower = make_tower()
    wave = sound(samples)
    frames = tower.spectrogram(wave)
    found = list(tower._patches(wave))
    assert [tuple(patch.shape) for patch in found] == [(PATCH, 64)] * patches
    assert len(frames) == PATCH + (patches - 1) * PATCH_HOP
    for n, patch in enumerate(found):
        torch.testing.assert_close(patch, frames[n * PATCH_HOP : n * PATCH_HOP + PATCH], rtol=0, atol=0)
    if samples < FIRST - WINDOW:
        torch.testing.assert_close(frames[-1], torch.full((64,), 1e-3).log())


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_a_row_is_the_mean_of_its_patches_whatever_the_batch(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yamnet, "BATCH", batch)
    tower = make_tower()
    waves = [sound(int(RATE * seconds), seed) for seed, seconds in enumerate((0.1, 3.2, 1.0, 2.5))]
    expected = [torch.stack(list(tower._patches(wave))).flatten(1)[:, :WIDTH].mean(0).numpy() for wave in waves]
    np.testing.assert_allclose(tower.features(waves), expected, rtol=1e-5)


@pytest.mark.weights
def test_the_real_file_is_read_and_knows_noise_from_a_tone() -> None:
    settings = load_settings(device="cpu")
    network = Network()
    fill(network, resolve(weight_files.YAMNET, settings))
    for name, value in network.state_dict().items():
        assert value.isfinite().all(), name
        # Read from a wrong place, something else would stand here, and about half of it negative.
        assert "running_var" not in name or (value >= 0).all(), name
    time = np.arange(2 * RATE) / RATE
    tone = Waveform((0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32), RATE)
    names = (settings.weights_dir / weight_files.AUDIOSET_NAMES.name).read_text(encoding="utf-8").splitlines()[1:]
    rows = load_tower("yamnet", settings).features([tone, sound(2 * RATE), Waveform(np.zeros(RATE, np.float32), RATE)])
    assert rows.shape == (3, WIDTH)
    likely = [{names[i].rsplit(",", 1)[-1].strip('"') for i in row[1024:].argsort()[-5:]} for row in rows]
    assert "Dial tone" in likely[0]
    assert likely[1] & {"White noise", "Noise", "Static", "Pink noise", "Waterfall", "Rain"}
    assert "Silence" in likely[2]
