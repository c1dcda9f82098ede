"""Towers with random weights: what must hold of the code whatever the weights are."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from omnisearch.spaces.base import Tower
from omnisearch.spaces.families import aisfx, efficientnet, minilm, points, yamnet
from omnisearch.spaces.families.view_tower import ViewTower
from omnisearch.spaces.nn.bert import Bert
from omnisearch.types import Content, PointCloud, Waveform

CPU = torch.device("cpu")
WORDS = ["a", "an", "the", "dog", "cat", "bird", "barks", "sings", "red", "blue", "on", "mat"]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def make_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(["[UNK]", *WORDS])}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer


def make_text_tower() -> Tower:
    torch.manual_seed(0)
    return minilm.MiniLM(Bert(len(WORDS) + 1, 384, layers=1, heads=12, hidden=64), make_tokenizer(), CPU, "random")


def make_image_tower() -> Tower:
    torch.manual_seed(0)
    return efficientnet.EfficientNet(efficientnet.build(), CPU, "random")


def make_sound_tower() -> Tower:
    torch.manual_seed(0)
    return aisfx.AiSfx(aisfx.Network(), CPU, "random")


def make_event_tower() -> Tower:
    torch.manual_seed(0)
    return yamnet.Yamnet(yamnet.Network(), CPU, "random")


def make_shape_tower() -> Tower:
    return ViewTower("views", make_image_tower(), "random")


def texts() -> list[Content]:
    return [" ".join(WORDS[i % 12] for i in range(n)) for n in (3, 300, 1, 12, 7)] * 15


def images() -> list[Content]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (side, 50, 3)).astype(np.uint8) for side in (20, 50, 90, 300, 41, 42, 43, 44, 45)]


def sounds() -> list[Content]:
    random = np.random.default_rng(0)
    lengths = ((10, 8000), (44_100 * 4, 44_100), (16_000 * 3, 16_000), (0, 44_100), (48_000 * 9, 48_000))
    return [Waveform(random.uniform(-0.5, 0.5, n).astype(np.float32), rate) for n, rate in lengths]


def short_sounds() -> list[Content]:
    return [wave for wave in sounds() if isinstance(wave, Waveform) and len(wave.samples) / wave.rate < 4]


def clouds() -> list[Content]:
    random = np.random.default_rng(0)
    corner = np.zeros((4, 3), np.float32)
    return [PointCloud(corner, None, random.integers(0, 256, (v, 32, 32, 3)).astype(np.uint8)) for v in (1, 3, 2)]


def bare_clouds() -> list[Content]:
    random = np.random.default_rng(0)
    none = np.zeros((0, 1, 1, 3), np.uint8)
    places = [random.uniform(-0.5, 0.5, (n, 3)).astype(np.float32) for n in (10, 1500, 3000, 1024)]
    colors = [None, random.random((1500, 3), np.float32), None, random.random((1024, 3), np.float32)]
    return [PointCloud(p, c, none) for p, c in zip(places, colors, strict=True)]


def make_points_tower() -> Tower:
    return points.Points("none")


CASES = [
    pytest.param(make_text_tower, texts, id="text"),
    pytest.param(make_image_tower, images, id="image"),
    pytest.param(make_sound_tower, sounds, id="audio"),
    pytest.param(make_event_tower, short_sounds, id="event"),
    pytest.param(make_shape_tower, clouds, id="point_cloud"),
    pytest.param(make_points_tower, bare_clouds, id="points"),
]


@pytest.mark.parametrize(("make", "contents"), CASES)
def test_a_row_depends_on_its_content_alone(make: object, contents: object) -> None:
    tower, inputs = make(), contents()  # type: ignore[operator]
    together = tower.features(inputs)
    assert together.shape == (len(inputs), tower.width)
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    scale = np.abs(together).max()
    shuffled = np.random.default_rng(1).permutation(len(inputs))
    np.testing.assert_allclose(tower.features([inputs[i] for i in shuffled]), together[shuffled], atol=1e-4 * scale)
    alone = np.concatenate([tower.features([content]) for content in inputs[:6]])
    np.testing.assert_allclose(alone, together[:6], atol=1e-4 * scale)
    assert len({row.tobytes() for row in alone[:3]}) == len(alone[:3]), "different contents give different rows"


@pytest.mark.parametrize(("make", "contents"), CASES)
def test_nothing_in_nothing_out(make: object, contents: object) -> None:
    tower = make()  # type: ignore[operator]
    assert tower.features([]).shape == (0, tower.width)


def test_text_is_cut_at_256_tokens() -> None:
    tower = make_text_tower()
    start = " ".join(["dog"] * 255)
    rows = tower.features([f"{start} cat bird", f"{start} cat red", f"{start} red"])
    np.testing.assert_array_equal(rows[0], rows[1])
    assert np.abs(rows[0] - rows[2]).max() > 1e-5


def test_bert_computes_what_transformers_computes() -> None:
    from omnisearch.spaces.nn import torchvision_shim

    torchvision_shim.install()
    from transformers import BertConfig, BertModel

    config = BertConfig(vocab_size=50, hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96)
    reference = BertModel(config, add_pooling_layer=False).eval()
    ours = Bert(50, 48, layers=3, heads=4, hidden=96).eval()
    ours.load_state_dict(reference.state_dict(), strict=True)
    ids = torch.randint(0, 50, (4, 9))
    mask = (torch.arange(9) < torch.tensor([9, 5, 1, 7])[:, None]).long()
    with torch.inference_mode():
        expected = reference(input_ids=ids, attention_mask=mask).last_hidden_state
        torch.testing.assert_close(ours(ids, mask)[mask.bool()], expected[mask.bool()], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("shape", [(30, 40), (40, 30), (30, 30), (7, 40)])
def test_an_image_is_squashed_after_its_middle_was_taken(shape: tuple[int, int]) -> None:
    height, width = shape
    image = np.zeros((height, width, 3), np.uint8)
    inside = min(width, int(height * 4 / 3))
    image[:, (width - inside) // 2 : (width + inside + 1) // 2] = 200
    assert (efficientnet.prepare(image) > 150).mean() > 0.9
    assert efficientnet.prepare(image).shape == (260, 260, 3)


def test_the_views_of_an_object_are_averaged() -> None:
    eye = make_image_tower()
    cloud = clouds()[1]
    assert isinstance(cloud, PointCloud)
    expected = eye.features(list(cloud.views)).mean(0)
    np.testing.assert_allclose(ViewTower("views", eye, "random").features([cloud])[0], expected, atol=1e-6)


def test_loudness_does_not_matter_and_silence_is_no_division_by_zero() -> None:
    tower = make_sound_tower()
    wave = sounds()[1]
    assert isinstance(wave, Waveform)
    quiet = Waveform(wave.samples * np.float32(0.01), wave.rate)
    rows = tower.features([wave, quiet, Waveform(np.zeros(44_100, np.float32), 44_100)])
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-4 * np.abs(rows).max())
    assert np.isfinite(rows).all()


@pytest.mark.parametrize(("frames", "blocks"), [(1, 1), (99, 1), (100, 1), (149, 1), (150, 2), (199, 2), (200, 3)])
def test_only_whole_blocks_count_and_a_short_sound_is_one(frames: int, blocks: int) -> None:
    samples = np.ones((frames - 1) * aisfx.HOP, np.float32)
    found = list(make_sound_tower()._blocks(Waveform(samples, aisfx.RATE)))  # type: ignore[attr-defined]
    assert [tuple(block.shape) for block in found] == [(100, 96)] * blocks
