"""The networks of ImageBind-huge for images, texts and sounds.

Source: Girdhar et al., "ImageBind: One Embedding Space To Bind Them All" (CVPR 2023). Its depth, thermal and motion
networks are left out, and so are its temperatures, which have no effect on normalised embeddings.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-6
DIM = 1024
SIDE, PATCH = 224, 14
TOKENS, VOCABULARY = 77, 49_408
BANDS, FRAMES = 128, 204
SOUND_PATCH, SOUND_STEP = 16, 10


class Encoder(nn.Module):
    """The base of the three: `stem` maps an input to tokens, the transformer reads them, `out` projects one of them.

    `file` maps the first part of a tensor's name to its name in the checkpoint.
    """

    file: ClassVar[Mapping[str, str]]

    def __init__(self, dim: int, width: int, depth: int, heads: int, tokens: int, bias_kv: bool = False) -> None:
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, width))
        self.blocks = nn.ModuleList(Block(width, heads, bias_kv) for _ in range(depth))
        self.last_norm = nn.LayerNorm(width, EPSILON)
        self.out = nn.Linear(width, dim, bias=False)

    @classmethod
    def name_in_file(cls, name: str) -> str:
        """Return the name of one of our tensors in the checkpoint."""
        first, dot, rest = name.partition(".")
        return cls.file[first] + dot + rest

    def read(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """Map tokens (b, t, width) to states (b, t, width)."""
        for block in self.blocks:
            tokens = block(tokens, mask)
        return tokens

    def answer(self, states: Tensor) -> Tensor:
        """Map one state per input (b, width) to embeddings (b, dim), not normalised."""
        embedded: Tensor = self.out(self.last_norm(states))
        return embedded


class Vision(Encoder):
    """Images (b, 3, 224, 224) -> (b, dim): patches of a video that repeats one frame, then a norm."""

    file: ClassVar[Mapping[str, str]] = {
        "stem": "modality_preprocessors.vision.rgbt_stem.proj.1",
        "cls_token": "modality_preprocessors.vision.cls_token",
        "pos_embed": "modality_preprocessors.vision.pos_embedding_helper.pos_embed",
        "norm": "modality_trunks.vision.pre_transformer_layer.0",
        "blocks": "modality_trunks.vision.blocks",
        "last_norm": "modality_heads.vision.0",
        "out": "modality_heads.vision.2",
    }

    def __init__(self, dim: int = DIM, width: int = 1280, depth: int = 32, heads: int = 16) -> None:
        super().__init__(dim, width, depth, heads, tokens=1 + (SIDE // PATCH) ** 2)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.stem = nn.Conv3d(3, width, (2, PATCH, PATCH), (2, PATCH, PATCH), bias=False)
        self.norm = nn.LayerNorm(width, EPSILON)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the embeddings of normalised images."""
        patches = self.stem(pixels.unsqueeze(2).expand(-1, -1, 2, -1, -1)).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], 1) + self.pos_embed
        return self.answer(self.read(self.norm(tokens))[:, 0])


class Audio(Encoder):
    """Spectrograms (b, 1, 128, 204) -> (b, dim): overlapping patches, attention with a learned extra key and value."""

    file: ClassVar[Mapping[str, str]] = {
        "stem": "modality_preprocessors.audio.rgbt_stem.proj",
        "norm": "modality_preprocessors.audio.rgbt_stem.norm_layer",
        "cls_token": "modality_preprocessors.audio.cls_token",
        "pos_embed": "modality_preprocessors.audio.pos_embedding_helper.pos_embed",
        "blocks": "modality_trunks.audio.blocks",
        "last_norm": "modality_heads.audio.0",
        "out": "modality_heads.audio.2",
    }

    def __init__(self, dim: int = DIM, width: int = 768, depth: int = 12, heads: int = 12) -> None:
        places = [(size - SOUND_PATCH) // SOUND_STEP + 1 for size in (BANDS, FRAMES)]  # 12 x 19
        super().__init__(dim, width, depth, heads, tokens=1 + places[0] * places[1], bias_kv=True)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.stem = nn.Conv2d(1, width, SOUND_PATCH, SOUND_STEP, bias=False)
        self.norm = nn.LayerNorm(width)  # with torch's default epsilon, unlike the others

    def forward(self, bands: Tensor) -> Tensor:
        """Return the embeddings of normalised spectrograms."""
        patches = self.norm(self.stem(bands).flatten(2).transpose(1, 2))
        tokens = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], 1) + self.pos_embed
        return self.answer(self.read(tokens)[:, 0])


class Text(Encoder):
    """Token ids (b, 77), zero after the end -> (b, dim): a causal transformer, whose state at the end token is read."""

    file: ClassVar[Mapping[str, str]] = {
        "stem": "modality_preprocessors.text.token_embedding",
        "pos_embed": "modality_preprocessors.text.pos_embed",
        "blocks": "modality_trunks.text.blocks",
        "last_norm": "modality_heads.text.proj.0",
        "out": "modality_heads.text.proj.1",
    }

    def __init__(
        self, dim: int = DIM, width: int = 1024, depth: int = 24, heads: int = 16, vocabulary: int = VOCABULARY
    ) -> None:
        super().__init__(dim, width, depth, heads, tokens=TOKENS)
        self.stem = nn.Embedding(vocabulary, width)

    def forward(self, ids: Tensor) -> Tensor:
        """Return the embeddings of texts; the end token is the one with the greatest id."""
        ends = ids.argmax(1)
        length = int(ends.max()) + 1  # attention is causal: tokens after the last end have no effect
        tokens = self.stem(ids[:, :length]) + self.pos_embed[:, :length]
        ahead = torch.full((length, length), -torch.inf, dtype=tokens.dtype, device=tokens.device).triu(1)
        states = self.read(tokens, ahead)
        return self.answer(states[torch.arange(len(ids), device=ids.device), ends])


class Block(nn.Module):
    """A transformer block that normalises first: states (b, t, width) to states."""

    def __init__(self, width: int, heads: int, bias_kv: bool) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width, EPSILON)
        self.attn = nn.MultiheadAttention(width, heads, add_bias_kv=bias_kv, batch_first=True)
        self.norm_2 = nn.LayerNorm(width, EPSILON)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """Map states to states; `mask` (t, t) is added to the attention scores."""
        x = self.norm_1(states)
        states = states + self.attn(x, x, x, attn_mask=mask, need_weights=False)[0]
        x = self.mlp["fc1"](self.norm_2(states))
        changed: Tensor = states + self.mlp["fc2"](functional.gelu(x))
        return changed
