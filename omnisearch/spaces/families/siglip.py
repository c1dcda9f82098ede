"""SigLIP towers, run by transformers: images and texts trained with a sigmoid loss per pair.

Source: Zhai et al., "Sigmoid Loss for Language Image Pre-Training" (ICCV 2023). transformers uses the activation of
their training, the tanh approximation of GELU; timm's SigLIPs do not.
"""

import re
import string
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces import optional_packages
from omnisearch.spaces.nn import pixels
from omnisearch.spaces.pipeline import Loader, Prepare
from omnisearch.spaces.weights import paper_files
from omnisearch.spaces.weights.spec import WeightSpec, resolve

SIDE = 384
TOKENS, VOCABULARY, END = 64, 32_000, 1
IMAGES, TEXTS = 8, 64  # in a batch
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
SO400M = {"hidden_size": 1152, "num_hidden_layers": 27, "num_attention_heads": 16, "intermediate_size": 4304}

# Buffers that no file contains: the position numbers.
CONSTANTS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "position_ids": lambda ids: torch.arange(ids.shape[-1]).expand(ids.shape)
}


def image_network(**shape: Any) -> nn.Module:
    """Return an image tower: pixels (n, 3, 384, 384) to the output of its attention pooling.

    Raises:
        NotReadyError: transformers is not installed.
    """
    transformers = optional_packages.need("transformers", "paper")
    network: nn.Module = transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**{"image_size": SIDE} | shape))
    return network


def text_network(**shape: Any) -> nn.Module:
    """Return a text tower: tokens (n, 64), all of which it reads, to the projection of the last.

    Raises:
        NotReadyError: transformers is not installed.
    """
    transformers = optional_packages.need("transformers", "paper")
    words = {"vocab_size": VOCABULARY, "bos_token_id": None, "eos_token_id": END, "pad_token_id": END}
    config = transformers.SiglipTextConfig(projection_size=shape["hidden_size"], **words, **shape)
    network: nn.Module = transformers.SiglipTextModel(config)
    return network


def canonical(text: str) -> str:
    """Normalise a text for the vocabulary: lower case, no punctuation, words one space apart."""
    bare = text.lower().translate(str.maketrans("", "", string.punctuation))
    return re.sub(r"\s+", " ", bare).strip()


def tokenizer(file: WeightSpec, settings: Settings) -> Prepare:
    """Return a function that maps texts to int64 (n, 64), padded with end tokens, as in training.

    Raises:
        ModelMissingError: the vocabulary is not on this machine.
        NotReadyError: sentencepiece is not installed.
        WeightsError: the vocabulary does not have SigLIP's size.
    """
    path = resolve(file, settings)
    words = optional_packages.need("sentencepiece", "paper").SentencePieceProcessor(model_file=str(path))
    if words.vocab_size() != VOCABULARY:
        raise WeightsError(f"{path} has {words.vocab_size()} words, SigLIP's has {VOCABULARY}")

    def prepare(texts: Any) -> tuple[Tensor]:
        return (torch.tensor([_padded(words.encode(canonical(str(text)))) for text in texts]),)

    return prepare


def _padded(ids: list[int]) -> list[int]:
    kept = ids[: TOKENS - 1]
    return kept + [END] * (TOKENS - len(kept))


def _pooled(network: nn.Module, inputs: Tensor) -> Tensor:
    pooled: Tensor = network(inputs).pooler_output
    return pooled


def _name_in_file(tower: str, name: str) -> str:
    # transformers 5 builds the towers without the prefix of their names in the whole model.
    return f"{tower}.{name.removeprefix(f'{tower}.')}"


def _image(name: str, dim: int, weights: WeightSpec, patch: int, shape: Mapping[str, int]) -> Loader:
    def prepare(settings: Settings) -> Prepare:  # noqa: ARG001
        return lambda images: (pixels.batch(images, pixels.squash, SIDE, pixels.HALF, pixels.HALF),)

    build = partial(image_network, patch_size=patch, **shape)
    rename = partial(_name_in_file, "vision_model")
    return Loader(name, dim, weights, build, rename, prepare, _pooled, IMAGES, CONSTANTS)


def _text(name: str, dim: int, weights: WeightSpec, words: WeightSpec, shape: Mapping[str, int]) -> Loader:
    build, rename = partial(text_network, **shape), partial(_name_in_file, "text_model")
    return Loader(name, dim, weights, build, rename, partial(tokenizer, words), _pooled, TEXTS, CONSTANTS)


SIGLIP_L_IMAGE = _image("siglip_l_image", 1024, paper_files.SIGLIP_L, 16, LARGE)
SIGLIP_L_TEXT = _text("siglip_l_text", 1024, paper_files.SIGLIP_L, paper_files.SIGLIP_L_TOKENIZER, LARGE)
SIGLIP_SO400M_IMAGE = _image("siglip_so400m_image", 1152, paper_files.SIGLIP_SO400M, 14, SO400M)
SIGLIP_SO400M_TEXT = _text(
    "siglip_so400m_text", 1152, paper_files.SIGLIP_SO400M, paper_files.SIGLIP_SO400M_TOKENIZER, SO400M
)
