"""MiCo's three objectives over tokens: BERT reads captions, compares them with media, and writes them.

Source: Zhang et al., "Explore the Limits of Omni-modal Pretraining at Scale" (2024), section 3.3; the weights of its
losses are those of VAST (Chen et al., NeurIPS 2023), on whose code MiCo is built.
"""

from pathlib import Path

import numpy as np
import torch
from blake3 import blake3
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.spaces import optional_packages
from omnisearch_training.stages.loop import Report, batch_of, draw, fit
from omnisearch_training.stages.matching import matching_loss
from omnisearch_training.stages.nearest import Rows
from omnisearch_training.stages.objective import Objective, ObjectiveConfig
from omnisearch_training.stages.word_masks import IGNORED, mask_words

EPSILON = 1e-12
Ids = NDArray[np.int64]


class InterfaceConfig(BaseModel):
    """Training over tokens. The sizes are BERT-base's, `dim` is the width of the contrastive features.

    `matching` and `captioning` are the weights of their losses. Captioning is off by default; MiCo's weight is 1.
    `masked` is the share of a caption's words that are predicted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(768, ge=1)
    layers: int = Field(12, ge=1)
    heads: int = Field(12, ge=1)
    dim: int = Field(512, ge=1)
    contrastive: ObjectiveConfig = ObjectiveConfig(temperature=0.07, learned_temperature=True, smoothing=0.1)
    matching: float = Field(0.1, ge=0)
    captioning: float = Field(0.0, ge=0)
    masked: float = Field(0.6, gt=0, le=1)
    rate: float = Field(1e-4, gt=0)
    batch: int = Field(64, ge=2)
    steps: int = Field(1000, ge=1)


class Interface(nn.Module):
    """BERT with cross-attention to media tokens, and the heads of the objectives.

    Media are `contexts` (n, s, media): the tokens of a frozen tower, the one that stands for the whole first. Captions
    are `ids` (n, t) of `vocabulary` words and their `mask`, 1 for text and 0 for padding.

    Raises:
        NotReadyError: transformers is not installed.
    """

    def __init__(self, config: InterfaceConfig, media: int, vocabulary: int) -> None:
        super().__init__()
        transformers = optional_packages.need("transformers", "paper")
        width, self.config, self.vocabulary = config.width, config, vocabulary
        shape = transformers.BertConfig(
            vocab_size=vocabulary,
            hidden_size=width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=4 * width,
            is_decoder=True,
            add_cross_attention=True,
        )
        self.bert = transformers.BertModel(shape, add_pooling_layer=False)
        self.to_context = nn.Sequential(nn.Linear(media, width), nn.LayerNorm(width, EPSILON))
        self.matcher = nn.Sequential(
            nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width, EPSILON), nn.Linear(width, 2)
        )
        self.to_words = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width, EPSILON))
        self.word_bias = nn.Parameter(torch.zeros(vocabulary))
        self.of_media, self.of_text = (nn.Linear(each, config.dim, bias=False) for each in (media, width))
        self.contrastive = Objective(config.contrastive, config.dim)

    def read(self, ids: Tensor, mask: Tensor, contexts: Tensor | None = None, causal: bool = False) -> Tensor:
        """Return the states of captions (n, t, width), which attend to media if there are any.

        A decoder of transformers would hide later words from earlier ones; with a mask of four dimensions, only
        `causal` states do.
        """
        allowed = mask[:, None, None, :].bool().expand(-1, 1, ids.shape[1], -1)
        if causal:
            allowed = allowed.tril()
        states = self.to_context(contexts) if contexts is not None else None
        hidden = torch.zeros(allowed.shape, dtype=self.word_bias.dtype, device=ids.device)
        hidden = hidden.masked_fill(~allowed, torch.finfo(hidden.dtype).min)
        found: Tensor = self.bert(
            input_ids=ids, attention_mask=hidden, encoder_hidden_states=states, use_cache=False
        ).last_hidden_state
        return found

    def features(self, contexts: Tensor, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the contrastive features of media and of captions: unit rows (n, dim)."""
        pairs = self.of_media(contexts[:, 0]), self.of_text(self.read(ids, mask)[:, 0])
        media, text = (functional.normalize(each, dim=-1) for each in pairs)
        return media, text

    def match(self, contexts: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the logits (n, 2) of "not a pair" and "a pair"."""
        logits: Tensor = self.matcher(self.read(ids, mask, contexts)[:, 0])
        return logits

    def words(self, contexts: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the logits (n, t, vocabulary) of each place's word, which attends to media and to words up to it."""
        states = self.to_words(self.read(ids, mask, contexts, causal=True))
        # The matrix of the input words, as in BERT.
        return functional.linear(states, self.bert.embeddings.word_embeddings.weight, self.word_bias)

    def forward(self, contexts: Tensor, ids: Tensor, mask: Tensor, groups: Tensor, seed: int) -> Tensor:
        """Return the weighted sum of the losses; `groups` are as in `info_nce`, `seed` draws negatives and masks."""
        media, text = self.features(contexts, ids, mask)
        loss: Tensor = self.contrastive(media, text, groups, seed)
        generator = torch.Generator(ids.device).manual_seed(seed)
        if self.config.matching:
            temperature = self.contrastive.temperature
            matched = matching_loss(
                lambda i, j: self.match(contexts[i], ids[j], mask[j]), media, text, temperature, groups, generator
            )
            loss = loss + self.config.matching * matched
        if self.config.captioning:
            inputs, labels = mask_words(ids, mask, self.config.masked, self.vocabulary, generator)
            logits = self.words(contexts, inputs, mask)
            told = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
            loss = loss + self.config.captioning * told
        return loss


def train_interface(
    contexts: Rows,
    ids: Ids,
    mask: Ids,
    vocabulary: int,
    config: InterfaceConfig,
    seed: int,
    groups: Ids | None = None,
    checkpoint: Path | None = None,
    report: Report | None = None,
) -> Interface:
    """Train an interface on n media and their captions, in BERT's ids; returns it in evaluation mode.

    Captions of one group are not negatives of each other's media.

    Raises:
        CheckpointError: the checkpoint belongs to another training.
        NotReadyError: transformers is not installed.
    """
    names = np.arange(len(ids)) if groups is None else groups
    digest = blake3(f"{config.model_dump_json()} {vocabulary} {seed}".encode())
    for rows in (contexts, ids, mask, names):
        digest.update(np.ascontiguousarray(rows).tobytes())
    torch.manual_seed(seed)
    interface = Interface(config, contexts.shape[-1], vocabulary).train()

    def loss(step: int) -> Tensor:
        chosen = batch_of(len(ids), config.batch, step, seed)
        random = int(draw(seed, 1, step).integers(2**62))
        torch.manual_seed(random)  # of dropout
        media = torch.from_numpy(np.array(contexts[chosen], np.float32))
        words, shown, named = (torch.from_numpy(rows[chosen]) for rows in (ids, mask, names))
        found: Tensor = interface(media, words, shown, named, random)
        return found

    fit(interface, loss, config.steps, config.rate, digest.hexdigest(), checkpoint, report)
    return interface.eval()
