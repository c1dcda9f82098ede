"""ImageBind: what goes into its networks, how they read it, and how their one file is read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from omnisearch.config import load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.families import imagebind
from omnisearch.spaces.nn.imagebind import Encoder
from omnisearch.spaces.pipeline import Loader, Pipeline
from omnisearch.spaces.towers import TOWERS
from omnisearch.types import Content, Waveform

LOADERS = (imagebind.IMAGEBIND_TEXT, imagebind.IMAGEBIND_IMAGE, imagebind.IMAGEBIND_AUDIO)
TEXT, IMAGE, AUDIO = LOADERS
CPU = load_settings(device="cpu")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def randomise(network: Encoder) -> Encoder:
    """Give every tensor values that matter: the initial positions are zeros and the initial norms do nothing."""
    torch.manual_seed(0)
    for name, tensor in network.state_dict().items():
        small = tensor.ndim == 1 or "embed" in name or "token" in name
        tensor.normal_(0, 0.3 if small else 2 * tensor[0].numel() ** -0.5)
        if "norm" in name and name.endswith("weight"):
            tensor.abs_().add_(0.5)
    network.eval()
    return network


def shrunk(loader: Loader) -> Loader:
    """The same tower with a small network of its kind."""
    kind: Any = loader.build
    return replace(loader, build=lambda: kind(1024, 32, 2, 4), weights=replace(loader.weights, size=None, sha256=None))


def network_of(loader: Loader) -> Encoder:
    network = shrunk(loader).build()
    assert isinstance(network, Encoder)
    return randomise(network)


def make(loader: Loader) -> Pipeline:
    prepare = loader.prepare(CPU)
    return Pipeline(loader.name, 1024, "random", CPU, network_of(loader), prepare, loader.run, loader.batch)


def prepared(loader: Loader, *contents: Content) -> Tensor:
    (inputs,) = loader.prepare(CPU)(contents)
    return inputs


def noise(seconds: float, rate: int = 16_000) -> Waveform:
    return Waveform(np.random.default_rng(0).normal(scale=0.1, size=round(seconds * rate)).astype(np.float32), rate)


def contents(loader: Loader) -> list[Content]:
    random = np.random.default_rng(0)
    if loader is TEXT:
        return ["a dog", "", "a dog on a mat, " * 40, "Katzen & Hunde", "a cat"]
    if loader is IMAGE:
        return [random.integers(0, 256, (h, w, 3)).astype(np.uint8) for h, w in ((224, 224), (50, 90), (400, 300))]
    return [noise(s, rate) for s, rate in ((5, 16_000), (0, 16_000), (1.3, 44_100), (2, 8000), (0.01, 16_000))]


@pytest.mark.parametrize(("loader", "millions"), [(IMAGE, 632.8), (TEXT, 354.0), (AUDIO, 86.2)])
def test_the_networks_have_as_many_parameters_as_the_authors(loader: Loader, millions: float) -> None:
    with torch.device("meta"):
        network = loader.build()
    count = sum(parameter.numel() for parameter in network.parameters())
    assert round(count / 1e6, 1) == millions
    assert TOWERS[loader.name].parameters == count


@pytest.mark.parametrize("loader", LOADERS)
def test_a_row_depends_on_its_content_alone(loader: Loader) -> None:
    tower, inputs = make(loader), contents(loader)
    together = tower.features(inputs)
    assert together.shape == (len(inputs), 1024)
    assert together.dtype == np.float32
    scale = np.abs(together).max()
    order = np.random.default_rng(1).permutation(len(inputs))
    np.testing.assert_allclose(tower.features([inputs[i] for i in order]), together[order], atol=1e-5 * scale)
    np.testing.assert_allclose(np.concatenate([tower.features([c]) for c in inputs]), together, atol=1e-5 * scale)
    assert np.abs(together[0] - together[-1]).max() > 1e-2 * scale
    assert tower.features([]).shape == (0, 1024)


# ---- texts


def test_a_long_text_keeps_its_end_token_and_is_read_there() -> None:
    words = ["dog"] * 75
    texts: list[Content] = [" ".join([*words, "cat"]), " ".join([*words, "bird"]), " ".join([*words[:-1], "cat"])]
    tokens = prepared(TEXT, *texts)
    assert tokens.shape == (3, 77)
    assert (tokens[0, 0], tokens[0, -1], tokens.max()) == (49_406, 49_407, 49_407)
    rows = make(TEXT).features(texts)
    np.testing.assert_array_equal(rows[0], rows[1])
    assert np.abs(rows[0] - rows[2]).max() > 1e-3 * np.abs(rows).max(), "the last word that fits counts"


def test_nothing_after_the_end_counts() -> None:
    network = network_of(TEXT)
    ids = torch.zeros(1, 77, dtype=torch.long)
    ids[0, :4] = torch.tensor([49_406, 5, 6, 49_407])
    other = ids.clone()
    other[0, 4:] = 9
    longer = torch.cat([other, torch.tensor([[49_406, *range(1, 76), 49_407]])])
    with torch.inference_mode():
        torch.testing.assert_close(network(longer)[:1], network(ids), atol=1e-5, rtol=1e-5)


# ---- images


def test_pixels_are_those_of_the_middle_normalised_per_colour() -> None:
    image = np.full((300, 500, 3), [255, 0, 51], np.uint8)
    image[:, :90] = image[:, -90:] = 7  # left and right of the middle
    found = prepared(IMAGE, image)
    assert found.shape == (1, 3, 224, 224)
    expected = [(1 - 0.48145466) / 0.26862954, -0.4578275 / 0.26130258, (0.2 - 0.40821073) / 0.27577711]
    np.testing.assert_allclose(found[0].mean((1, 2)), expected, rtol=1e-4)


# ---- sounds


def heard(monkeypatch: pytest.MonkeyPatch, count: int) -> list[tuple[int, int]]:
    """Return the first sample and the length of every clip of a sound that counts its samples."""
    found: list[tuple[int, int]] = []

    def note(samples: Tensor) -> Tensor:
        found.append((int(samples[0]), len(samples)))
        return torch.zeros(1, 128, 204)

    monkeypatch.setattr(imagebind, "spectrogram", note)
    prepared(AUDIO, Waveform(np.arange(count, dtype=np.float32), 16_000))
    return found


@pytest.mark.parametrize(
    ("seconds", "starts"), [(10, (0, 64_000, 128_000)), (3, (0, 8000, 16_000)), (2, (0, 0, 0)), (1, (0, 0, 0))]
)
def test_three_clips_of_two_seconds_are_heard(
    monkeypatch: pytest.MonkeyPatch, seconds: int, starts: tuple[int, ...]
) -> None:
    length = min(seconds, 2) * 16_000
    assert heard(monkeypatch, seconds * 16_000) == [(start, length) for start in starts]


def test_a_sound_is_the_mean_of_the_unit_rows_of_its_clips() -> None:
    wave = noise(8)
    clips = [Waveform(wave.samples[start : start + 32_000], 16_000) for start in (0, 48_000, 96_000)]
    rows = make(AUDIO).features(clips)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(make(AUDIO).features([wave])[0], rows.mean(0), atol=1e-5)


def test_a_spectrogram_is_normalised_by_one_deviation_after_zeros_were_added() -> None:
    found = imagebind.spectrogram(torch.from_numpy(noise(2).samples))
    assert found.shape == (1, 128, 204)
    # 198 whole windows lie in two seconds; the rest is the logarithm 0.
    np.testing.assert_allclose(found[0, :, 198:], 4.268 / 9.138, rtol=1e-6)
    quiet = imagebind.spectrogram(torch.zeros(32_000))
    np.testing.assert_allclose(quiet[0, :, 0], (np.log(2.0**-23) + 4.268) / 9.138, rtol=1e-5)


def test_an_offset_changes_nothing() -> None:
    wave = noise(5)
    rows = make(AUDIO).features([wave, Waveform(wave.samples + np.float32(0.2), 16_000)])
    np.testing.assert_allclose(rows[1], rows[0], atol=1e-3)


# ---- the file


def state_in_file(network: Encoder) -> dict[str, Tensor]:
    return {network.name_in_file(name): tensor for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("loader", LOADERS)
def test_a_tower_reads_its_part_of_the_file_and_needs_no_other(tmp_path: Path, loader: Loader) -> None:
    settings = load_settings(weights_dir=tmp_path, device="cpu")
    unused = {
        "modality_trunks.depth.blocks.0.norm_1.bias": torch.ones(3),
        "modality_preprocessors.text.mask": torch.eye(2),
    }
    torch.save(state_in_file(network_of(loader)) | unused, tmp_path / "imagebind-huge.pth")
    found = shrunk(loader).load(settings, "fingerprint")
    assert found.fingerprint == "fingerprint"
    np.testing.assert_allclose(found.features(contents(loader)), make(loader).features(contents(loader)), atol=1e-5)
    other = IMAGE if loader is not IMAGE else TEXT
    with pytest.raises(WeightsError) as caught:
        shrunk(other).load(settings, "")
    missing = state_in_file(network_of(other))
    assert [name for name in missing if f"{name} is missing" not in str(caught.value)] == []


@pytest.mark.parametrize("loader", LOADERS)
def test_half_precision_changes_rows_a_little(tmp_path: Path, loader: Loader) -> None:
    torch.save(state_in_file(network_of(loader)), tmp_path / "imagebind-huge.pth")
    fine, coarse = (
        shrunk(loader).load(load_settings(weights_dir=tmp_path, device="cpu", precision=precision), "")
        for precision in ("fp32", "bf16")
    )
    expected, found = fine.features(contents(loader)), coarse.features(contents(loader))
    lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
    assert ((expected * found).sum(1) / lengths).min() > 0.99
    assert np.abs(expected - found).max() > 0
