"""EmbeddingGemma 2 scaled down, with random weights: its two files, our loaders of it, and transformers' model."""

from collections import OrderedDict
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from omnisearch.spaces import towers
from omnisearch.spaces.families import embedding_gemma as gemma
from omnisearch.spaces.weights import modern_files

TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "global_head_dim": 32,
    "hidden_size_per_layer_input": 8,
    "layer_types": ["sliding_attention", "full_attention"],
}
_SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION = _SMALL | {"intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 16}
AUDIO = _SMALL | {"output_proj_dims": 24}
SHAPES: dict[str, tuple[str | None, dict[str, Any]]] = {
    "text": (None, {}),
    "image": ("vision", {"vision_config": VISION}),
    "audio": ("audio", {"audio_config": AUDIO}),
}
MARKS = {**gemma.IMAGE, **gemma.SOUND}
WORDS = ["<pad>", "<eos>", "<bos>", "<unk>", "dog", "cat", "task", "search", "result", "query", "title", "none", "text"]


def write_tokenizer(folder: Path) -> None:
    """Write a tokenizer of few words that has the special tokens of EmbeddingGemma 2."""
    words = Tokenizer(WordLevel({word: n for n, word in enumerate([*WORDS, ":", "|"])} | MARKS, "<unk>"))
    words.pre_tokenizer = Whitespace()
    words.add_special_tokens(["<pad>", "<eos>", "<bos>", *MARKS])
    words.post_processor = TemplateProcessing(single="<bos> $A <eos>", special_tokens=[("<bos>", 2), ("<eos>", 1)])
    words.save(str(folder / modern_files.EMBEDDING_GEMMA_TOKENIZER.name))


def write_model(folder: Path) -> Any:
    """Write random weights, and return the whole model of transformers with them."""
    import transformers

    torch.manual_seed(0)
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
    save_file(model.state_dict(), folder / modern_files.EMBEDDING_GEMMA.name)
    return model


def processor(folder: Path, **kinds: Any) -> Any:
    """Return transformers' processor over the tokenizer of a folder; `kinds` replaces its parts."""
    import transformers

    marks = ("boi_token", "image_token", "eoi_token", "boa_token", "audio_token", "eoa_token")
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / modern_files.EMBEDDING_GEMMA_TOKENIZER.name),
        pad_token="<pad>",
        model_specific_special_tokens=dict(zip(marks, MARKS, strict=True)),
    )
    return transformers.EmbeddingGemma2Processor(
        transformers.Gemma4AudioFeatureExtractor(),
        kinds.get("image") or transformers.Gemma4ImageProcessorPil(),
        tokenizer,
        transformers.Gemma4VideoProcessor(),
    )


def loader(modality: str) -> Any:
    """Return our loader of a tower at this size."""
    part, shape = SHAPES[modality]
    full = getattr(gemma, f"EMBEDDING_GEMMA_{modality.upper()}")
    if part is None:
        return replace(full, build=partial(gemma.network, text_config=TEXT))
    build = partial(gemma.encoder, part, text_config=TEXT, **shape)
    small = full.window if isinstance(full, gemma.WindowedLoader) else full
    small = replace(small, encoder=replace(small.encoder, build=build))
    return replace(full, window=small) if isinstance(full, gemma.WindowedLoader) else small


def patch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let our towers of this size take the place of the full ones, none of them loaded."""
    for modality in SHAPES:
        monkeypatch.setattr(gemma, f"EMBEDDING_GEMMA_{modality.upper()}", loader(modality))
    monkeypatch.setattr(towers, "_loaded", OrderedDict())


def mean(reference: Any, **inputs: torch.Tensor) -> Any:
    """Return the mean of the last states over the tokens: float32 (n, 768)."""
    with torch.inference_mode():
        states = reference(**inputs).last_hidden_state
    mask = inputs["attention_mask"][..., None]
    return ((states * mask).sum(1) / mask.sum(1)).numpy()
