"""The text tower of many languages: multilingual-e5-small, a twelve-layer BERT over the vocabulary of XLM-R.

Source: Wang et al., "Multilingual E5 Text Embeddings" (2024). 384-d, 512 tokens, each text read as "query: {text}". The
weights have 4 bits. Those of the layers are expanded when the tower is loaded, those of the 250,037 words when a
text has the word, so that most of the file is never read.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.device import choose
from omnisearch.spaces.nn.bert import POSITIONS, Bert
from omnisearch.spaces.sentence_tower import SentenceTower
from omnisearch.spaces.weights import packed_q4, tensors, weight_files
from omnisearch.spaces.weights.packed_q4 import Blocks, PackedModel
from omnisearch.spaces.weights.spec import resolve
from omnisearch.spaces.weights.vocabulary import read_tokenizer

# The names of the file's tensors, and those of BERT's checkpoints.
_EMBEDDINGS = {"pos": "position_embeddings.weight", "type": "token_type_embeddings.weight"}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
_LINEAR = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}


class E5(SentenceTower):
    """Embeds texts: float32 (n, 384), not normalised."""

    name, width = "e5", 384
    tokens, prefix = POSITIONS, "query: "

    @classmethod
    def load(cls, settings: Settings, fingerprint: str) -> "E5":
        """Read the network and its vocabulary from this machine.

        Raises:
            ModelMissingError: a file is not here.
            WeightsError: a file is damaged or of another network.
        """
        path = resolve(weight_files.E5_TOKENIZER, settings)
        tokenizer = read_tokenizer(path)
        model = packed_q4.read(resolve(weight_files.E5, settings))
        if tokenizer.get_vocab_size() > model.sizes.words or model.sizes.width != cls.width:
            raise WeightsError(
                f"{model.path} is {model.sizes.width} wide with {model.sizes.words} words; E5 is {cls.width} wide, and "
                f"{path} has {tokenizer.get_vocab_size()} words"
            )
        return cls(read_network(model), tokenizer, choose(settings), fingerprint)


class Words(nn.Module):
    """A table of words in 4 bits: ids (b, t) -> float32 (b, t, width). It is mapped, and stays on the CPU."""

    def __init__(self, blocks: Blocks) -> None:
        super().__init__()
        self._blocks = blocks

    def forward(self, ids: Tensor) -> Tensor:
        """Expand the rows of the words that occur."""
        words, places = np.unique(ids.cpu().numpy(), return_inverse=True)
        if words[-1] >= len(self._blocks):
            raise WeightsError(f"a text has the word {words[-1]} of a tokenizer, but E5 has {len(self._blocks)} words")
        rows = packed_q4.dequantize(self._blocks[words])
        return torch.from_numpy(rows[places.reshape(ids.shape)]).to(ids.device)


def read_network(model: PackedModel) -> Bert:
    """Build the network of a file.

    Raises:
        WeightsError: a tensor is missing or of another shape.
    """
    sizes = model.sizes
    words = model.blocks("emb.word", sizes.width)
    if len(words) != sizes.words:
        raise WeightsError(f"{model.path}: emb.word has {len(words)} words, not {sizes.words}")
    with torch.device("meta"):
        network = Bert(1, sizes.width, sizes.layers, sizes.heads, sizes.hidden)
    network.embeddings["word_embeddings"] = Words(words)
    tensors.fill(network, dict(_tensors(model)), Path(model.path), assign=True)
    return network


def _tensors(model: PackedModel) -> Iterator[tuple[str, Tensor]]:
    width = model.sizes.width
    for short, name in _EMBEDDINGS.items():
        yield f"embeddings.{name}", torch.from_numpy(model.floats(f"emb.{short}", width).reshape(-1, width))
    yield from _norm(model, "emb.ln", "embeddings.LayerNorm")
    for i in range(model.sizes.layers):
        for short, name in _LINEAR.items():
            blocks = model.blocks(f"l{i}.{short}.w", model.sizes.hidden if short == "fo" else width)
            yield f"encoder.layer.{i}.{name}.weight", torch.from_numpy(packed_q4.dequantize(blocks))
            yield f"encoder.layer.{i}.{name}.bias", torch.from_numpy(model.floats(f"l{i}.{short}.b"))
        for short, name in _NORMS.items():
            yield from _norm(model, f"l{i}.{short}", f"encoder.layer.{i}.{name}")


def _norm(model: PackedModel, short: str, name: str) -> Iterator[tuple[str, Tensor]]:
    yield f"{name}.weight", torch.from_numpy(model.floats(f"{short}.w"))
    yield f"{name}.bias", torch.from_numpy(model.floats(f"{short}.b"))
