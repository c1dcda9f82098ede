"""EmbeddingGemma 2's towers are transformers': its processor's inputs, its model's states, their mean."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from omnisearch.config import Settings, load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.declared import modern
from omnisearch.spaces.families import embedding_gemma as gemma
from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.weights import modern_files
from omnisearch.types import Content, Waveform

torchvision_shim.install()
transformers = pytest.importorskip("transformers")

PARAMETERS = {spec.name: spec.parameters for spec in modern.TOWERS}
DIM = 24
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "global_head_dim": 32,
    "hidden_size_per_layer_input": 8,
    "embedding_dim": DIM,
    "layer_types": ["sliding_attention", "full_attention"],
}
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION = SMALL | {"intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 16}
AUDIO = SMALL | {"output_proj_dims": 24}
SHAPES: dict[str, tuple[str | None, dict[str, Any]]] = {
    "text": (None, {}),
    "image": ("vision", {"vision_config": VISION}),
    "audio": ("audio", {"audio_config": AUDIO}),
}
TEXTS: list[Content] = ["dog", "dog cat dog", "cat"]
MARKS = {**gemma.IMAGE, **gemma.SOUND}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    torch.manual_seed(0)
    words = Tokenizer(WordLevel({"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3, "dog": 4, "cat": 5} | MARKS, "<unk>"))
    words.pre_tokenizer = Whitespace()
    words.add_special_tokens(["<pad>", "<eos>", "<bos>", *MARKS])
    words.post_processor = TemplateProcessing(single="<bos> $A <eos>", special_tokens=[("<bos>", 2), ("<eos>", 1)])
    words.save(str(tmp_path / modern_files.EMBEDDING_GEMMA_TOKENIZER.name))
    return load_settings(weights_dir=tmp_path, device="cpu")


@pytest.fixture
def reference(settings: Settings) -> Any:
    """The whole model of transformers, random, and its file beside the vocabulary."""
    config = transformers.EmbeddingGemma2Config(
        text_config=TEXT,
        vision_config=dict(VISION, model_type="gemma4_vision"),
        audio_config=dict(AUDIO, model_type="gemma4_audio"),
    )
    model = transformers.EmbeddingGemma2Model(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            near = 1.0 if "norm" in name or name.endswith("per_dim_scale") else 0.0
            parameter.copy_(torch.randn_like(parameter) * 0.2 + near)
    save_file(model.state_dict(), settings.weights_dir / modern_files.EMBEDDING_GEMMA.name)
    return model


def processor(settings: Settings) -> Any:
    marks = ("boi_token", "image_token", "eoi_token", "boa_token", "audio_token", "eoa_token")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(settings.weights_dir / modern_files.EMBEDDING_GEMMA_TOKENIZER.name),
        pad_token="<pad>",
        model_specific_special_tokens=dict(zip(marks, MARKS, strict=True)),
    )
    return transformers.EmbeddingGemma2Processor(
        transformers.Gemma4AudioFeatureExtractor(),
        transformers.Gemma4ImageProcessorPil(),
        tokenizer,
        transformers.Gemma4VideoProcessor(),
    )


def tower(modality: str, settings: Settings) -> Any:
    part, shape = SHAPES[modality]
    loader = getattr(gemma, f"EMBEDDING_GEMMA_{modality.upper()}")
    build = partial(gemma.network, part, text_config=TEXT, **shape)
    return replace(loader, width=DIM, build=build).load(settings, "random")


def mean(reference: Any, **inputs: torch.Tensor) -> Any:
    with torch.inference_mode():
        states = reference(**inputs).last_hidden_state
    mask = inputs["attention_mask"][..., None]
    return ((states * mask).sum(1) / mask.sum(1)).numpy()


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_the_sizes_are_those_of_the_models_card() -> None:
    """270 million for texts, 170 more for images, 300 for sounds: 740 in all."""
    with torch.device("meta"):
        sizes = {m: sum(p.numel() for p in gemma.network(part).parameters()) for m, (part, _) in SHAPES.items()}
    assert sizes == {modality: PARAMETERS[f"embedding_gemma_{modality}"] for modality in SHAPES}
    text, image, audio = (sizes[modality] / 1e6 for modality in SHAPES)
    assert [round(size, -1) for size in (text, image - text, audio - text)] == [270, 170, 310]
    assert round(image + audio - text, -1) == 740


def test_texts_are_transformers(settings: Settings, reference: Any) -> None:
    inputs = processor(settings)(text=TEXTS, return_tensors="pt")
    ids, mask = gemma.EMBEDDING_GEMMA_TEXT.prepare(settings)(TEXTS)
    torch.testing.assert_close(ids, inputs["input_ids"])
    torch.testing.assert_close(mask, inputs["attention_mask"])
    found = tower("text", settings).features(TEXTS)
    close(found, mean(reference, input_ids=ids, attention_mask=mask))
    close(found, np.concatenate([tower("text", settings).features([text]) for text in TEXTS]))


@pytest.mark.parametrize("size", [(40, 60), (500, 90), (16, 700)])
def test_images_are_transformers(size: tuple[int, int], settings: Settings, reference: Any) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    inputs = processor(settings)(images=[Image.fromarray(image)], return_tensors="pt")
    ids, pixels, places = gemma.EMBEDDING_GEMMA_IMAGE.prepare(settings)([image])
    torch.testing.assert_close(ids, inputs["input_ids"])
    torch.testing.assert_close(pixels, inputs["pixel_values"])
    torch.testing.assert_close(places, inputs["image_position_ids"])
    close(tower("image", settings).features([image]), mean(reference, **inputs))


@pytest.mark.parametrize("samples", [16_000, 5_000, 40 * 16_000])
def test_sounds_are_transformers(samples: int, settings: Settings, reference: Any) -> None:
    wave = Waveform(np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32), gemma.RATE)
    inputs = processor(settings)(audio=[wave.samples], sampling_rate=gemma.RATE, return_tensors="pt")
    ids, frames, mask = gemma.EMBEDDING_GEMMA_AUDIO.prepare(settings)([wave])
    torch.testing.assert_close(ids, inputs["input_ids"])
    torch.testing.assert_close(frames, inputs["input_features"].to(frames.dtype))
    torch.testing.assert_close(mask, inputs["input_features_mask"])
    close(tower("audio", settings).features([wave]), mean(reference, **inputs))


def test_half_precision_is_near(settings: Settings, reference: Any) -> None:
    draw = np.random.default_rng(0)
    wave = Waveform(draw.normal(0, 0.1, 8_000).astype(np.float32), gemma.RATE)
    given: dict[str, list[Content]] = {
        "text": TEXTS,
        "image": [draw.integers(0, 256, (40, 60, 3)).astype(np.uint8)],
        "audio": [wave],
    }
    half = settings.model_copy(update={"precision": "bf16"})
    for modality, contents in given.items():
        whole, found = tower(modality, settings).features(contents), tower(modality, half).features(contents)
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
        gemma.EMBEDDING_GEMMA_IMAGE.prepare(settings)
