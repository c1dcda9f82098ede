"""HTS-AT, the sound network of LAION-CLAP and WavCaps: a Swin transformer over ten seconds of mel bands.

Source: Chen et al., "HTS-AT" (ICASSP 2022); the fusion of long sounds, Wu et al. (LAION-CLAP, ICASSP 2023).
transformers runs it; its tensor names are mapped to those of the authors' files.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.spaces import optional_packages
from omnisearch.spaces.nn import waveforms
from omnisearch.spaces.weights.tensors import TensorPart

SECONDS = 10
WINDOW, BANDS, LOW, HIGH = 1024, 64, 50.0, 14_000.0
BATCH = 8
FLOOR = 1e-10  # smaller powers are raised to this

# Names of transformers and of the authors. Longer names come first, because they contain shorter ones.
_RENAMES = (
    (".attention.output.dense.", ".attn.proj."),
    (".attention.self.", ".attn."),
    (".intermediate.dense.", ".mlp.fc1."),
    (".output.dense.", ".mlp.fc2."),
    (".layernorm_before.", ".norm1."),
    (".layernorm_after.", ".norm2."),
    ("batch_norm.", "bn0."),
)
_PARTS = {".attn.query.": 0, ".attn.key.": 1, ".attn.value.": 2}


def network(dim: int, fusion: bool = False, **shape: Any) -> nn.Module:
    """Return the network and its projection: mel frames (n, 1 or 4, 1001, 64) and which sounds are long -> (n, dim).

    Raises:
        NotReadyError: transformers is not installed.
    """
    transformers = optional_packages.need("transformers", "paper")
    config = transformers.ClapAudioConfig(enable_fusion=fusion, projection_dim=dim, **shape)
    built: nn.Module = transformers.ClapAudioModelWithProjection(config)
    return built


def run(built: nn.Module, frames: Tensor, longer: Tensor) -> Tensor:
    """Return the embeddings. `longer` must be given: without it, transformers marks one short sound as long."""
    embedded: Tensor = built(input_features=frames, is_longer=longer).audio_embeds
    return embedded


def name_in_file(encoder: str, projection: str, name: str) -> str | TensorPart:
    """Return the name of a tensor in the authors' files; `encoder` and `projection` are the prefixes there."""
    if name.startswith("audio_projection."):
        return projection + name.removeprefix("audio_projection.linear").replace("1.", "0.")
    theirs = name.removeprefix("audio_model.audio_encoder.")
    for ours, original in _RENAMES:
        theirs = theirs.replace(ours, original)
    for part, index in _PARTS.items():
        if part in theirs:
            return TensorPart(encoder + theirs.replace(part, ".attn.qkv."), index, len(_PARTS))
    return encoder + theirs


def silence_after(samples: Tensor, length: int) -> Tensor:
    """Pad samples to a length with silence."""
    return functional.pad(samples, (0, length - len(samples)))


def decibels(samples: Tensor, hop: int, filters: Tensor) -> Tensor:
    """Return the log mel frames of samples, in dB: (1 + n // hop, 64)."""
    power = waveforms.power(samples, WINDOW, hop, "reflect") @ filters.T
    return 10 * torch.log10(power.clamp(min=FLOOR))
