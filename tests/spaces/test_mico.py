"""MiCo's towers compute the formulas of its released code, and are filled by the tensor names of its file."""

from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from omnisearch.config import Settings, load_settings
from omnisearch.errors import ModelMissingError, WeightsError
from omnisearch.spaces.base import Space, encode
from omnisearch.spaces.declared import mico as declared
from omnisearch.spaces.families import mico, wavcaps
from omnisearch.spaces.registry import SPACES, load_space
from omnisearch.spaces.towers import TOWERS
from omnisearch.spaces.weights import modern_files
from omnisearch.types import Content, Floats, Modality, Waveform
from tests.spaces import mico_file as small
from tests.spaces.test_kaldi import reference

IMAGE, AUDIO, TEXT = Modality.IMAGE, Modality.AUDIO, Modality.TEXT
EPSILON = 1e-6


@pytest.fixture
def file(settings: Settings) -> dict[str, Tensor]:
    torch.set_num_threads(1)
    tensors = small.state()
    small.write(tensors, settings.weights_dir)
    return tensors


@pytest.fixture
def space(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Space:
    small.install(settings.weights_dir, monkeypatch)
    return load_space("mico", settings)


def images() -> list[Content]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, size=(h, w, 3)).astype(np.uint8) for h, w in ((224, 224), (60, 90), (500, 130))]


def noise(seconds: float, rate: int = 16_000) -> Waveform:
    return Waveform(np.random.default_rng(0).normal(scale=0.1, size=round(seconds * rate)).astype(np.float32), rate)


def first_tokens(state: dict[str, Tensor], pictures: Tensor) -> Tensor:
    """EVA's network by its formula in float64: x + attention(norm(x)), x + mlp(norm(x)), a norm, the first token."""
    tensors = {name.removeprefix("vision_encoder.visual."): tensor.double() for name, tensor in state.items()}

    def norm(x: Tensor, name: str) -> Tensor:
        spread = x.var(-1, keepdim=True, unbiased=False)
        return (x - x.mean(-1, keepdim=True)) / (spread + EPSILON).sqrt() * tensors[f"{name}.weight"] + tensors[
            f"{name}.bias"
        ]

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]

    patches = functional.conv2d(
        pictures.double(), tensors["patch_embed.proj.weight"], tensors["patch_embed.proj.bias"], stride=14
    )
    count = len(pictures)
    x = torch.cat([tensors["cls_token"].expand(count, -1, -1), patches.flatten(2).transpose(1, 2)], 1)
    x = x + tensors["pos_embed"]
    for block in (f"blocks.{i}" for i in range(small.DEPTH)):
        q, k, v = (norm(x, f"{block}.norm1") @ tensors[f"{block}.attn.qkv.weight"].T).chunk(3, -1)
        q, v = q + tensors[f"{block}.attn.q_bias"], v + tensors[f"{block}.attn.v_bias"]  # keys have no bias
        q, k, v = (each.view(count, 257, small.HEADS, -1).transpose(1, 2) for each in (q, k, v))
        seen = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v
        x = x + linear(seen.transpose(1, 2).flatten(2), f"{block}.attn.proj")
        hidden = linear(norm(x, f"{block}.norm2"), f"{block}.mlp.fc1")
        x = x + linear(hidden * (1 + torch.erf(hidden / 2**0.5)) / 2, f"{block}.mlp.fc2")
    return norm(x, "norm")[:, 0]


def close(found: Floats, expected: Any) -> None:
    expected = np.asarray(expected)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


# ---- images


def test_images_are_evas_first_token_by_its_formula(file: dict[str, Tensor], settings: Settings) -> None:
    (pictures,) = mico.MICO_VISION.prepare(settings)(images())
    assert pictures.shape == (3, 1, 3, 224, 224)
    found = small.vision().load(settings, "random").features(images())
    close(found, first_tokens(file, pictures[:, 0]))
    assert np.abs(found[0] - found[1]).max() > 0.1 * np.abs(found).max()


def test_pixels_are_interpolated_without_smoothing_as_the_authors_torchvision_did() -> None:
    """At half the size, a pixel is the mean of four; at a quarter, of the inner four of sixteen."""
    image = np.random.default_rng(0).integers(0, 256, (448, 896, 3)).astype(np.uint8)
    grey = image.astype(np.float64) / 255
    mean, deviation = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    rows = (grey[0::2] + grey[1::2]) / 2
    expected = (((rows[:, 1::4] + rows[:, 2::4]) / 2) - mean) / deviation
    np.testing.assert_allclose(mico.picture(image)[0], expected.transpose(2, 0, 1), atol=1e-5)


def test_the_mean_of_frames_before_the_matrix_is_that_after_it(file: dict[str, Tensor], settings: Settings) -> None:
    """The authors average the first tokens of a video's frames; the matrix has no bias."""
    rows = torch.from_numpy(small.vision().load(settings, "random").features(images()))
    head = small.linear(file, "v")
    with torch.inference_mode():
        torch.testing.assert_close(head(rows.mean(0)), head(rows).mean(0))


# ---- sounds


def authors_slices(frames: Floats) -> Floats:
    """The rule of the released AudioProcessor for 224 frames and four samples, with Python's lists."""
    length = len(frames)
    short = max(224 * 4 - length, 224 - length % 224)
    padded = np.concatenate([frames, np.zeros((short, frames.shape[1]), np.float32)])
    numbers = list(range(len(padded) // 224))
    size, longer = divmod(len(numbers), 4)
    starts = [part * size + min(part, longer) for part in range(5)]
    parts = [numbers[a:b] for a, b in pairwise(starts)]
    return np.stack([padded[224 * i : 224 * i + 224] for i in (part[(len(part) + 1) // 2 - 1] for part in parts)])


@pytest.mark.slow  # to import transformers takes seconds
@pytest.mark.filterwarnings("ignore:At least one mel filter")  # the lowest filters lie between two frequencies
@pytest.mark.parametrize("seconds", [0.3, 5, 9.1, 31])
def test_sounds_are_slices_of_kaldis_features(seconds: float) -> None:
    wave = noise(seconds)
    frames = reference(wave.samples * 2.0**15, 224, window="povey")
    expected = authors_slices(((frames - 15.41663) / (2 * 6.55582)).astype(np.float32))
    found = mico.slices(wave)
    assert found.shape == (4, 3, 224, 224)
    for channel in range(3):
        np.testing.assert_allclose(found[:, channel], expected, atol=1e-4)


@pytest.mark.parametrize("frames", [0, 1, 223, 224, 895, 896, 897, 1120, 5000])
def test_the_slices_are_those_of_the_authors_rule(frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = np.arange(frames, dtype=np.float32)[:, None].repeat(224, 1) + 1
    unscaled = torch.from_numpy(counted * mico.SPREAD + mico.LOUDNESS)
    monkeypatch.setattr(mico.kaldi, "features", lambda *given: unscaled)
    np.testing.assert_allclose(mico.slices(noise(0.1))[:, 0], authors_slices(counted), rtol=1e-4, atol=1e-4)


def test_a_sound_is_the_mean_of_its_slices_rows(file: dict[str, Tensor], settings: Settings) -> None:
    waves: list[Content] = [noise(7), noise(20)]
    found = small.vision().load(settings, "random").features(waves)
    close(found, np.stack([first_tokens(file, mico.slices(wave)).mean(0).numpy() for wave in waves]))


def test_a_row_depends_neither_on_its_batch_nor_on_the_rate(file: dict[str, Tensor], settings: Settings) -> None:
    tower = small.vision().load(settings, "random")
    time = np.arange(16_000) / 16_000
    low, high = (np.sin(2 * np.pi * 300 * np.arange(n) / n).astype(np.float32) for n in (len(time), 48_000))
    waves: list[Content] = [Waveform(low, 16_000), Waveform(high, 48_000), noise(3)]
    together = tower.features(waves)
    close(np.concatenate([tower.features([wave]) for wave in waves]), together)
    np.testing.assert_allclose(together[0], together[1], atol=0.05 * np.abs(together).max())
    assert np.abs(together[2] - together[0]).max() > 0.05 * np.abs(together).max()


# ---- texts


@pytest.mark.slow
@pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")
def test_texts_are_berts_first_token_in_both_directions(settings: Settings) -> None:
    """The published network is a decoder with cross-attention; texts are read without it, as by an encoder."""
    import transformers

    shape = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 192}
    decoder = transformers.BertConfig(**shape, is_decoder=True, add_cross_attention=True)
    published = small.shaken(transformers.BertModel(decoder, add_pooling_layer=False))
    head = torch.randn(mico.DIM, 48)
    state = {f"multimodal_encoder.bert.{name}": tensor for name, tensor in published.state_dict().items()}
    assert small.CROSS in state
    small.write({**state, "contra_head_t.linear.weight": head}, settings.weights_dir)
    encoder = transformers.BertModel(transformers.BertConfig(**shape), add_pooling_layer=False).eval()
    missing, unread = encoder.load_state_dict(published.state_dict(), strict=False)
    assert not missing
    assert all("crossattention" in name for name in unread)
    ids = torch.randint(5, wavcaps.VOCABULARY, (3, 12))
    mask = (torch.arange(12) < torch.tensor([12, 3, 7])[:, None]).long()
    tower = small.text(lambda settings: lambda texts: (ids[: len(texts)], mask[: len(texts)])).load(settings, "random")
    with torch.inference_mode():
        expected = encoder(ids, mask).last_hidden_state[:, 0] @ head.T
    close(tower.features(["a"] * 3), expected.numpy())


def test_texts_are_cut_at_40_tokens(space: Space) -> None:
    long = " ".join(f"w{i}" for i in range(200, 240))
    rows = encode(space, TEXT, [long, f"{long} w7", long.replace("w237", "w5"), long.replace("w238", "w5")])
    close(rows[1], rows[0])
    close(rows[3], rows[0])
    assert np.abs(rows[2] - rows[0]).max() > 1e-3


# ---- the space


def test_each_modality_has_its_matrix_and_images_and_sounds_share_the_network(space: Space) -> None:
    tensors = small.state()
    assert space.tower(IMAGE) is space.tower(AUDIO)
    contents: dict[Modality, list[Content]] = {IMAGE: images(), AUDIO: [noise(3), noise(12)]}
    for modality, name in ((IMAGE, "v"), (AUDIO, "a")):
        rows = (
            torch.from_numpy(space.tower(modality).features(contents[modality]))
            @ tensors[f"contra_head_{name}.linear.weight"].T
        )
        close(encode(space, modality, contents[modality]), functional.normalize(rows, dim=1).numpy())
    assert encode(space, TEXT, ["w200 w300"]).shape == (1, SPACES["mico"].dim)


@pytest.mark.slow
def test_the_declared_sizes_are_those_of_the_published_networks() -> None:
    with torch.device("meta"):
        sizes = [sum(p.numel() for p in network.parameters()) for network in (mico.Text(), mico.trunk())]
    assert sizes == [spec.parameters for spec in declared.TOWERS]
    assert [spec.width for spec in declared.TOWERS] == [mico.DIM, mico.WIDTH]


# ---- the file

MISSING = ("vision_encoder.visual.blocks.1.attn.q_bias", "multimodal_encoder.bert.embeddings.LayerNorm.weight")
HEADS = tuple(f"contra_head_{part}.linear.weight" for part in ("v", "a", "t"))


def load_all(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read every part of the file."""
    small.vision().load(settings, "random")
    small.text(lambda settings: lambda texts: ()).load(settings, "random")
    monkeypatch.setitem(TOWERS, "mico_vision", replace(TOWERS["mico_vision"], width=small.WIDTH))
    load_space("mico", settings).project(IMAGE, np.ones((1, small.WIDTH), np.float32))


@pytest.mark.parametrize("name", [*MISSING, *HEADS])
@pytest.mark.parametrize("change", ["missing", "renamed", "shape"])
def test_a_tensor_that_does_not_fit_is_named(
    name: str, change: str, file: dict[str, Tensor], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_all(settings, monkeypatch)
    tensor = file.pop(name)
    if change == "renamed":
        file[name.replace("encoder", "evaclip_model").replace("linear", "proj")] = tensor
    if change == "shape":
        file[name] = torch.cat([tensor, tensor])
    small.write(file, settings.weights_dir)
    found = str(tuple(file[name].shape)) if change == "shape" else "missing"
    with pytest.raises(WeightsError) as caught:
        load_all(settings, monkeypatch)
    assert f"{modern_files.MICO.name} does not fit" in str(caught.value)
    assert f"{name} is {found}, not {tuple(tensor.shape)}" in str(caught.value)


def test_a_deeper_network_is_refused(file: dict[str, Tensor], settings: Settings) -> None:
    file["vision_encoder.visual.blocks.2.norm1.weight"] = torch.ones(small.WIDTH)
    small.write(file, settings.weights_dir)
    with pytest.raises(WeightsError, match=r"vision_encoder\.visual\.blocks has 3 layers, not 2"):
        small.vision().load(settings, "random")


def test_without_the_file_the_command_that_pulls_it_is_named(tmp_path: Path) -> None:
    space = load_space("mico", load_settings(weights_dir=tmp_path, device="cpu"))
    for modality in (IMAGE, AUDIO, TEXT):
        with pytest.raises(ModelMissingError, match=r"omnisearch models pull mico-g14\.safetensors"):
            space.tower(modality)
