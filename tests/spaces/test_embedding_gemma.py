"""EmbeddingGemma 2's towers are transformers': its processor's inputs, its model's states, their mean."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import nn

from omnisearch.config import Settings, load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.declared import modern
from omnisearch.spaces.families import embedding_gemma as gemma
from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.towers import load_tower
from omnisearch.spaces.weights import modern_files
from omnisearch.types import Content, Waveform
from tests.spaces import small_gemma
from tests.spaces.small_gemma import SHAPES, TEXT, mean

torchvision_shim.install()
transformers = pytest.importorskip("transformers")

PARAMETERS = {spec.name: spec.parameters for spec in modern.TOWERS}
LINEAR = {spec.name: spec.linear for spec in modern.TOWERS}
TEXTS: list[Content] = ["dog", "dog cat dog", "cat"]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    small_gemma.patch(monkeypatch)
    small_gemma.write_tokenizer(tmp_path)
    return load_settings(weights_dir=tmp_path, device="cpu")


@pytest.fixture
def reference(settings: Settings) -> Any:
    """The whole model of transformers, random, and its file beside the vocabulary."""
    return small_gemma.write_model(settings.weights_dir)


def processor(settings: Settings) -> Any:
    return small_gemma.processor(settings.weights_dir)


def tower(modality: str, settings: Settings) -> Any:
    return load_tower(f"embedding_gemma_{modality}", settings)


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.slow
def test_the_sizes_are_those_of_the_models_card() -> None:
    """270 million for texts, 170 more for images, 300 for sounds: 740 in all."""
    with torch.device("meta"):
        built = [gemma.network(), gemma.encoder("vision"), gemma.encoder("audio")]
    sizes = [sum(parameter.numel() for parameter in network.parameters()) for network in built]
    assert sizes == [PARAMETERS[f"embedding_gemma_{modality}"] for modality in SHAPES]
    linear = [sum(each.weight.numel() for each in n.modules() if type(each) is nn.Linear) for n in built]
    assert linear == [LINEAR[f"embedding_gemma_{modality}"] for modality in SHAPES]
    assert [round(size / 1e6, -1) for size in sizes] == [270, 170, 310]
    assert round(sum(sizes) / 1e6, -1) == 740


def test_texts_are_transformers(settings: Settings, reference: Any) -> None:
    inputs = processor(settings)(text=TEXTS, return_tensors="pt")
    ids, mask = gemma.EMBEDDING_GEMMA_TEXT.prepare(settings)(TEXTS)
    torch.testing.assert_close(ids, inputs["input_ids"])
    torch.testing.assert_close(mask, inputs["attention_mask"])
    found = tower("text", settings).features(TEXTS)
    close(found, mean(reference, input_ids=ids, attention_mask=mask))
    close(found, np.concatenate([tower("text", settings).features([text]) for text in TEXTS]))


@pytest.mark.parametrize("size", [(500, 90), *(pytest.param(s, marks=pytest.mark.slow) for s in [(40, 60), (16, 700)])])
def test_images_are_transformers(size: tuple[int, int], settings: Settings, reference: Any) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    inputs = processor(settings)(images=[Image.fromarray(image)], return_tensors="pt")
    ids, pixels, places = gemma.EMBEDDING_GEMMA_IMAGE.encoder.prepare(settings)([image])
    torch.testing.assert_close(ids, inputs["input_ids"])
    torch.testing.assert_close(pixels, inputs["pixel_values"])
    torch.testing.assert_close(places, inputs["image_position_ids"])
    close(tower("image", settings).features([image]), mean(reference, **inputs))


@pytest.mark.slow
@pytest.mark.parametrize("samples", [16_000, 5_000, 30 * 16_000])
def test_sounds_are_transformers(samples: int, settings: Settings, reference: Any) -> None:
    wave = Waveform(np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32), gemma.RATE)
    inputs = processor(settings)(audio=[wave.samples], sampling_rate=gemma.RATE, return_tensors="pt")
    ids, frames, mask = gemma.EMBEDDING_GEMMA_AUDIO.window.encoder.prepare(settings)([wave])
    torch.testing.assert_close(ids, inputs["input_ids"])
    torch.testing.assert_close(frames, inputs["input_features"].to(frames.dtype))
    torch.testing.assert_close(mask, inputs["input_features_mask"])
    close(tower("audio", settings).features([wave]), mean(reference, **inputs))


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_a_lower_precision_is_near(precision: str, settings: Settings, reference: Any) -> None:
    draw = np.random.default_rng(0)
    wave = Waveform(draw.normal(0, 0.1, 8_000).astype(np.float32), gemma.RATE)
    given: dict[str, list[Content]] = {
        "text": TEXTS,
        "image": [draw.integers(0, 256, (40, 60, 3)).astype(np.uint8)],
        "audio": [wave],
    }
    lower = settings.model_copy(update={"precision": precision})
    for modality, contents in given.items():
        whole, found = tower(modality, settings).features(contents), tower(modality, lower).features(contents)
        assert (whole * found).sum() > 0.99 * np.linalg.norm(whole) * np.linalg.norm(found)


@pytest.mark.parametrize("samples", [0, 1, 300])
def test_a_sound_of_nearly_nothing_has_a_row(samples: int, settings: Settings, reference: Any) -> None:
    row = tower("audio", settings).features([Waveform(np.zeros(samples, np.float32), gemma.RATE)])
    assert np.isfinite(row).all()
    assert np.abs(row).max() > 0


def test_what_no_file_holds_is_what_transformers_makes(reference: Any) -> None:
    theirs = dict(reference.named_buffers())
    for part, shape in SHAPES.values():
        with torch.device("meta"):
            built = gemma.network(part, text_config=TEXT, **shape)
        for name, buffer in built.named_buffers():
            if name not in built.state_dict():
                torch.testing.assert_close(buffer, theirs[name])
                assert not buffer.is_meta


def test_another_vocabulary_is_refused(settings: Settings) -> None:
    words = Tokenizer(WordLevel({"<unk>": 0, "<|image|>": 7}, "<unk>"))
    words.save(str(settings.weights_dir / modern_files.EMBEDDING_GEMMA_TOKENIZER.name))
    with pytest.raises(WeightsError, match=r"embedding-gemma-2-tokenizer\.json has the marks .*'<\|image\|>': 7"):
        gemma.EMBEDDING_GEMMA_IMAGE.encoder.prepare(settings)
