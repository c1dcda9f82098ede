"""ImageBind: what goes into its networks, how they read it, and how their one file is read."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from omnisearch.config import Settings, load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces import imagebind, torchvision_shim
from omnisearch.spaces.base import Tower
from omnisearch.spaces.imagebind_net import Audio, Encoder, Text, Vision
from omnisearch.types import Content, Waveform

CPU = torch.device("cpu")
TOWERS = (imagebind.Texts, imagebind.Images, imagebind.Sounds)


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


def small(kind: type[Encoder]) -> Encoder:
    return kind(1024, 32, 2, 4)


def make(tower: type) -> Tower:
    made: Tower = tower(randomise(small(tower.network)), CPU, "random")
    return made


def noise(seconds: float, rate: int = 16_000) -> Waveform:
    return Waveform(np.random.default_rng(0).normal(scale=0.1, size=round(seconds * rate)).astype(np.float32), rate)


def contents(tower: type) -> list[Content]:
    random = np.random.default_rng(0)
    if tower is imagebind.Texts:
        return ["a dog", "", "a dog on a mat, " * 40, "Katzen & Hunde", "a cat"]
    if tower is imagebind.Images:
        return [random.integers(0, 256, (h, w, 3)).astype(np.uint8) for h, w in ((224, 224), (50, 90), (400, 300))]
    return [noise(s, rate) for s, rate in ((5, 16_000), (0, 16_000), (1.3, 44_100), (2, 8000), (0.01, 16_000))]


@pytest.mark.parametrize(("kind", "millions"), [(Vision, 632.8), (Text, 354.0), (Audio, 86.2)])
def test_the_networks_have_as_many_parameters_as_the_authors(kind: type[Encoder], millions: float) -> None:
    with torch.device("meta"):
        network = kind()  # type: ignore[call-arg]
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 1) == millions


@pytest.mark.parametrize("tower", TOWERS)
def test_a_row_depends_on_its_content_alone(tower: type) -> None:
    one, inputs = make(tower), contents(tower)
    together = one.features(inputs)
    assert together.shape == (len(inputs), 1024)
    assert together.dtype == np.float32
    order = np.random.default_rng(1).permutation(len(inputs))
    np.testing.assert_allclose(one.features([inputs[i] for i in order]), together[order], atol=1e-5)
    np.testing.assert_allclose(np.concatenate([one.features([c]) for c in inputs]), together, atol=1e-5)
    assert np.abs(together[0] - together[-1]).max() > 1e-3
    assert one.features([]).shape == (0, 1024)


def test_more_contents_than_a_batch_are_all_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    tower, texts = make(imagebind.Texts), [f"dog {i}" for i in range(7)]
    expected = tower.features(texts)
    monkeypatch.setattr(imagebind, "BATCH", 3)
    np.testing.assert_allclose(tower.features(texts), expected, atol=1e-5)


# ---- texts


def test_a_long_text_keeps_its_end_token_and_is_read_there() -> None:
    tower = make(imagebind.Texts)
    words = ["dog"] * 75
    tokens = tower.prepare(" ".join([*words, "cat"]))
    assert tokens.shape == (1, 77)
    assert (tokens[0, 0], tokens[0, -1], tokens.max()) == (49_406, 49_407, 49_407)
    rows = tower.features([" ".join([*words, "cat"]), " ".join([*words, "bird"]), " ".join([*words[:-1], "cat"])])
    np.testing.assert_array_equal(rows[0], rows[1])
    assert np.abs(rows[0] - rows[2]).max() > 1e-4, "the last word that fits counts"


def test_nothing_after_the_end_counts() -> None:
    network = randomise(small(Text))
    ids = torch.zeros(1, 77, dtype=torch.long)
    ids[0, :4] = torch.tensor([49_406, 5, 6, 49_407])
    other = ids.clone()
    other[0, 4:] = 9
    longer = torch.cat([other, torch.tensor([[49_406, *range(1, 76), 49_407]])])
    with torch.inference_mode():
        torch.testing.assert_close(network(longer)[:1], network(ids), atol=1e-5, rtol=1e-5)


def test_another_vocabulary_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagebind, "VOCABULARY", 49_407)
    with pytest.raises(WeightsError, match="49408 words, ImageBind 49407"):
        make(imagebind.Texts)


# ---- images


@pytest.mark.parametrize("shape", [(300, 400), (401, 223), (224, 224), (97, 31)])
def test_an_image_is_cropped_as_torchvision_does(shape: tuple[int, int]) -> None:
    torchvision_shim.install()
    from PIL import Image
    from torchvision.transforms import v2

    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    resize = v2.Resize(224, interpolation=v2.InterpolationMode.BICUBIC)
    expected = np.asarray(v2.CenterCrop(224)(resize(Image.fromarray(image))))
    np.testing.assert_array_equal(imagebind.crop(image), expected)


def test_pixels_are_normalised_per_colour() -> None:
    found = make(imagebind.Images).prepare(np.full((300, 300, 3), [255, 0, 51], np.uint8))
    assert found.shape == (1, 3, 224, 224)
    expected = [(1 - 0.48145466) / 0.26862954, -0.4578275 / 0.26130258, (0.2 - 0.40821073) / 0.27577711]
    np.testing.assert_allclose(found[0, :, 100, 100], expected, rtol=1e-5)


# ---- sounds


def heard(monkeypatch: pytest.MonkeyPatch, count: int) -> list[tuple[int, int]]:
    """Return the first sample and the length of every clip of a sound that counts its samples."""
    found: list[tuple[int, int]] = []

    def note(samples: Tensor) -> Tensor:
        found.append((int(samples[0]), len(samples)))
        return torch.zeros(1, 128, 204)

    monkeypatch.setattr(imagebind, "spectrogram", note)
    make(imagebind.Sounds).prepare(Waveform(np.arange(count, dtype=np.float32), 16_000))
    return found


@pytest.mark.parametrize(
    ("seconds", "starts"), [(10, (0, 64_000, 128_000)), (3, (0, 8000, 16_000)), (2, (0,)), (1, (0,))]
)
def test_three_clips_of_two_seconds_are_heard(
    monkeypatch: pytest.MonkeyPatch, seconds: int, starts: tuple[int, ...]
) -> None:
    length = min(seconds, 2) * 16_000
    assert heard(monkeypatch, seconds * 16_000) == [(start, length) for start in starts]


def test_a_sound_is_the_mean_of_the_unit_rows_of_its_clips() -> None:
    tower, wave = make(imagebind.Sounds), noise(8)
    clips = [Waveform(wave.samples[start : start + 32_000], 16_000) for start in (0, 48_000, 96_000)]
    rows = tower.features(clips)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(tower.features([wave])[0], rows.mean(0), atol=1e-5)


def test_a_spectrogram_is_normalised_by_one_deviation_after_zeros_were_added() -> None:
    found = imagebind.spectrogram(torch.from_numpy(noise(2).samples))
    assert found.shape == (1, 128, 204)
    # 198 whole windows lie in two seconds; the rest is the logarithm 0.
    np.testing.assert_allclose(found[0, :, 198:], 4.268 / 9.138, rtol=1e-6)
    quiet = imagebind.spectrogram(torch.zeros(32_000))
    np.testing.assert_allclose(quiet[0, :, 0], (np.log(2.0**-23) + 4.268) / 9.138, rtol=1e-5)


def test_an_offset_changes_nothing() -> None:
    tower, wave = make(imagebind.Sounds), noise(5)
    rows = tower.features([wave, Waveform(wave.samples + np.float32(0.2), 16_000)])
    np.testing.assert_allclose(rows[1], rows[0], atol=1e-3)


# ---- the file


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    from dataclasses import replace

    monkeypatch.setattr(
        imagebind.paper_files, "IMAGEBIND", replace(imagebind.paper_files.IMAGEBIND, size=None, sha256=None)
    )
    return load_settings(weights_dir=tmp_path, device="cpu")


def state_in_file(network: Encoder) -> dict[str, Tensor]:
    return {network.name_in_file(name): tensor for name, tensor in network.state_dict().items()}


def shrink(monkeypatch: pytest.MonkeyPatch, tower: type) -> None:
    """Let the tower build a small network of its kind."""
    kind = tower.network
    monkeypatch.setattr(
        tower, "network", type("Small", (kind,), {"__init__": lambda self: kind.__init__(self, 1024, 32, 2, 4)})
    )


@pytest.mark.parametrize("tower", TOWERS)
def test_a_tower_reads_its_part_of_the_file_and_needs_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tower: type
) -> None:
    expected = make(tower).features(contents(tower))
    unused = {
        "modality_trunks.depth.blocks.0.norm_1.bias": torch.ones(3),
        "modality_preprocessors.text.mask": torch.eye(2),
    }
    torch.save(state_in_file(randomise(small(tower.network))) | unused, settings.weights_dir / "imagebind-huge.pth")
    other = imagebind.Images if tower is not imagebind.Images else imagebind.Texts
    missing = state_in_file(small(other.network))
    shrink(monkeypatch, tower)
    shrink(monkeypatch, other)
    found = tower.load(settings, "fingerprint")
    assert found.fingerprint == "fingerprint"
    np.testing.assert_allclose(found.features(contents(tower)), expected, atol=1e-6)
    with pytest.raises(WeightsError) as caught:
        other.load(settings, "")
    assert [name for name in missing if f"{name} is missing" not in str(caught.value)] == []
