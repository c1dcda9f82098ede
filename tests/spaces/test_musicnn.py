"""The timbre tower: a checkpoint in TensorFlow's order, the network by its formulas, sounds of any length."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

from omnisearch.config import load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces import files, musicnn
from omnisearch.spaces.musicnn import HOP, PATCH, RATE, WIDTH, Musicnn, Network, fill
from omnisearch.spaces.towers import load_tower
from omnisearch.spaces.weights import resolve
from omnisearch.types import Floats, Waveform

# The kernels (time, bands, inputs, outputs) in the order of their layers, and the widths of all normalisations.
KERNELS = [
    (7, 38, 1, 204),
    (7, 67, 1, 204),
    (128, 1, 1, 51),
    (64, 1, 1, 51),
    (32, 1, 1, 51),
    (7, 561, 1, 64),
    (7, 64, 1, 64),
    (7, 64, 1, 64),
]
NORMS = [1, 204, 204, 51, 51, 51, 64, 64, 64, 1506, 200]
DENSE = [(1506, 200), (200, 50)]


class Sums(nn.Module):
    """A network that is quick: the levels of a patch, told apart by their place in it."""

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        return patches.flatten(1)[:, :WIDTH]


def make_tower() -> Musicnn:
    return Musicnn(Sums(), torch.device("cpu"), "sums")


def sound(samples: int, seed: int = 0, rate: int = RATE) -> Waveform:
    return Waveform(np.random.default_rng(seed).uniform(-0.5, 0.5, samples).astype(np.float32), rate)


def tensorflow_names() -> dict[str, tuple[int, ...]]:
    """Every variable of the training graph under the name that TensorFlow gave it."""
    trained: dict[str, tuple[int, ...]] = {}
    kept: dict[str, tuple[int, ...]] = {"beta1_power": (), "beta2_power": ()}
    for n, shape in enumerate(KERNELS):
        layer = f"conv2d_{n}" if n else "conv2d"
        trained |= {f"{layer}/kernel": shape, f"{layer}/bias": shape[-1:]}
    for n, dense in enumerate(DENSE):
        layer = f"dense_{n}" if n else "dense"
        trained |= {f"{layer}/kernel": dense, f"{layer}/bias": dense[-1:]}
    for n, width in enumerate(NORMS):
        layer = f"batch_normalization_{n}" if n else "batch_normalization"
        trained |= {f"{layer}/gamma": (width,), f"{layer}/beta": (width,)}
        kept |= {f"{layer}/moving_mean": (width,), f"{layer}/moving_variance": (width,)}
    moments = {f"{name}/{moment}": shape for name, shape in trained.items() for moment in ("Adam", "Adam_1")}
    return trained | kept | moments


def write_checkpoint(path: Path) -> dict[str, Floats]:
    """Write the data file as TensorFlow does, by sorted names; every number in it is another one."""
    values, place = {}, 0
    for name, shape in sorted(tensorflow_names().items()):
        size = math.prod(shape)
        values[name] = np.arange(place, place + size, dtype=np.float32).reshape(shape)
        place += size
    assert place < 1 << 24, "float32 tells these integers apart"
    path.write_bytes(b"".join(array.tobytes() for array in values.values()))
    return values


def named_in_torch(values: Mapping[str, Floats]) -> dict[str, Floats]:
    """The same numbers under the names, and in the axes, of our network."""
    convs = [f"front.{n}" for n in range(5)] + [f"later.{n}" for n in range(3)]
    found = {}
    for n, conv in enumerate(convs):
        stored = f"conv2d_{n}" if n else "conv2d"
        found[f"{conv}.conv.weight"] = np.moveaxis(values[f"{stored}/kernel"], (0, 1, 2, 3), (2, 3, 1, 0))
        found[f"{conv}.conv.bias"] = values[f"{stored}/bias"]
    parts = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    for n, norm in enumerate(["norm", *(f"{conv}.bn" for conv in convs)]):
        stored = f"batch_normalization_{n}" if n else "batch_normalization"
        found |= {f"{norm}.{part}": values[f"{stored}/{theirs}"] for part, theirs in parts.items()}
    return found


def test_a_checkpoint_is_read_back_exactly(tmp_path: Path) -> None:
    values = write_checkpoint(tmp_path / "data")
    assert (tmp_path / "data").stat().st_size == files.MUSICNN.size
    network = Network()
    fill(network, tmp_path / "data")
    expected = named_in_torch(values)
    state = {name: array for name, array in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    assert state.keys() == expected.keys()
    for name, array in state.items():
        np.testing.assert_array_equal(array.numpy(), expected[name], err_msg=name)


@pytest.mark.parametrize("change", [-4, -1, 1, 4])
def test_a_file_of_another_length_is_refused(tmp_path: Path, change: int) -> None:
    assert files.MUSICNN.size
    (tmp_path / "cut.data").write_bytes(bytes(files.MUSICNN.size + change))
    with pytest.raises(WeightsError, match=r"cut\.data holds"):
        fill(Network(), tmp_path / "cut.data")


def random_network() -> Network:
    """Weights and statistics of all sizes and signs, so that nothing can be left out unseen."""
    random = torch.Generator().manual_seed(0)
    network = Network().double().eval()
    for name, value in network.state_dict().items():
        if value.dtype.is_floating_point:
            drawn = torch.randn(value.shape, generator=random, dtype=torch.float64)
            value.copy_(drawn.abs() + 0.5 if "running_var" in name else drawn / max(value[0].numel(), 1) ** 0.5)
    return network


def plain(state: Mapping[str, Floats], frames: Floats) -> Floats:
    """The network over one patch (time, 96), by its formulas."""

    def norm(name: str, x: Floats) -> Floats:
        mean, var, gamma, beta = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return gamma * (x - mean) / np.sqrt(var + 1e-3) + beta

    def conv(name: str, x: Floats) -> Floats:
        """Map (time, bands) to (time, places, outputs); zeros keep the time, as TensorFlow's SAME puts them."""
        kernel = state[f"{name}.conv.weight"][:, 0]  # (outputs, length, width)
        wanted = kernel.shape[1] - 1
        windows = sliding_window_view(np.pad(x, ((wanted // 2, wanted - wanted // 2), (0, 0))), kernel.shape[1:])
        y = np.tensordot(windows, kernel, ((2, 3), (1, 2))) + state[f"{name}.conv.bias"]
        return norm(f"{name}.bn", np.maximum(y, 0))

    x = norm("norm", frames)
    front = np.concatenate([conv(f"front.{n}", x).max(1) for n in range(5)], 1)  # (time, 561)
    first = conv("later.0", front)[:, 0]
    second = conv("later.1", first)[:, 0] + first
    third = conv("later.2", second)[:, 0] + second
    maps = np.concatenate([front, first, second, third], 1)
    return np.stack([maps.max(0), maps.mean(0)], 1).ravel()


def test_the_network_is_its_formulas_in_float64() -> None:
    network = random_network()
    frames = np.random.default_rng(0).gamma(1.0, size=(2, 9, 96))
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    with torch.inference_mode():
        found = network(torch.from_numpy(frames)).numpy()
    np.testing.assert_allclose(found, [plain(state, patch) for patch in frames], rtol=1e-9, atol=1e-9)


@pytest.mark.slow  # to import librosa takes seconds
def test_the_spectrogram_is_librosas() -> None:
    librosa = pytest.importorskip("librosa")
    wave = sound(20_000)
    power = np.abs(librosa.stft(wave.samples, n_fft=512, hop_length=256)) ** 2
    bands = librosa.filters.mel(sr=16_000, n_fft=512, n_mels=96) @ power  # its own scale and norm
    found = make_tower().spectrogram(wave).numpy()
    np.testing.assert_allclose(found, np.log10(10_000 * bands.T + 1), atol=1e-4)


@pytest.mark.parametrize("rate", [8000, 22_050, 48_000])
def test_a_tone_is_heard_at_its_pitch_whatever_the_rate(rate: int) -> None:
    tower = make_tower()
    levels = []
    for each in (RATE, rate):
        samples = np.sin(2 * np.pi * 1000 / each * np.arange(each)).astype(np.float32) / 2
        levels.append(tower.spectrogram(Waveform(samples, each))[10:-10].mean(0))
    assert levels[0].argmax() == levels[1].argmax()
    assert float(levels[0].max()) == pytest.approx(float(levels[1].max()), abs=0.01)


@pytest.mark.parametrize(("frames", "patches"), [(1, 1), (2, 1), (186, 1), (187, 1), (373, 1), (374, 2), (561, 3)])
def test_only_whole_patches_count_and_a_short_sound_is_repeated(frames: int, patches: int) -> None:
    tower = make_tower()
    wave = sound((frames - 1) * HOP)
    heard = tower.spectrogram(wave)
    assert heard.shape == (frames, 96)
    found = list(tower._patches(wave))
    assert [tuple(patch.shape) for patch in found] == [(PATCH, 96)] * patches
    order = np.arange(patches * PATCH) % frames
    torch.testing.assert_close(torch.cat(found), heard[order], rtol=0, atol=0)


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_a_row_is_the_mean_of_its_patches_whatever_the_batch(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(musicnn, "BATCH", batch)
    tower = make_tower()
    waves = [sound(int(PATCH * HOP * length), seed) for seed, length in enumerate((0.1, 3.2, 1.0, 2.5))]
    expected = [torch.stack(list(tower._patches(wave))).flatten(1)[:, :WIDTH].mean(0).numpy() for wave in waves]
    np.testing.assert_allclose(tower.features(waves), expected, rtol=1e-5)


def test_silence_is_level_zero() -> None:
    tower = make_tower()
    for samples in (0, 100, 5 * RATE):
        silent = Waveform(np.zeros(samples, np.float32), RATE)
        assert not tower.spectrogram(silent).any()
        assert not tower.features([silent]).any()


@pytest.mark.weights
def test_the_real_file_is_read_and_hears_instruments() -> None:
    settings = load_settings(device="cpu")
    network = Network()
    fill(network, resolve(files.MUSICNN, settings))
    for name, value in network.state_dict().items():
        assert value.isfinite().all(), name
        # Read from a wrong place, something else would stand here, and about half of it negative.
        assert "running_var" not in name or (value > 0).all(), name
    time = np.arange(PATCH * HOP) / RATE

    def note(pitch: float) -> Waveform:
        """A plucked string: harmonics that die away."""
        waves = sum(np.sin(2 * np.pi * pitch * k * time) * np.exp(-k * time) / k for k in range(1, 6))
        return Waveform((0.2 * np.asarray(waves)).astype(np.float32), RATE)

    tower = load_tower("musicnn", settings)
    rows = tower.features([note(220), note(247), sound(PATCH * HOP)])
    assert rows.shape == (3, WIDTH)
    assert np.isfinite(rows).all()
    low, high, noise = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert low @ high > max(low @ noise, high @ noise)
