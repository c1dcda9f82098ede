"""PE-AV small's towers: sounds and videos in one network, and texts, run by transformers.

Source: Vyas et al., "Pushing the Frontier of Audiovisual Perception with Large-Scale Multimodal Correspondence
Learning" (2025). The numbers of layers of its encoders are not published, so they are read from the file.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces import optional_packages
from omnisearch.spaces.families import pe_av
from omnisearch.spaces.nn import pixels, torchvision_shim
from omnisearch.spaces.pipeline import Loader, Pipeline
from omnisearch.spaces.weights import modern_files, tensors
from omnisearch.spaces.weights.spec import resolve
from omnisearch.types import Clip, Content, Waveform

DIM, SIDE = pe_av.DIM, 336
HEAD_WIDTH = 128  # of every attention head
# The parts of the file that hold the encoders, and a name of each in the configuration of transformers.
ENCODERS = {
    "audio_config": "audio_model.audio_encoder",
    "video_config": "video_model.video_encoder",
    "": "audio_video_encoder",
}
_EMBEDDERS = {
    "audio_video_encoder.embedder.audio_encoder.": "audio_model.audio_encoder.",
    "audio_video_encoder.embedder.video_encoder.": "video_model.video_encoder.",
    "audio_head.": "audio_model.audio_head.",
    "video_head.": "video_model.video_head.",
}

Sizes = Mapping[str, Mapping[str, int]]


class Media(nn.Module):
    """Samples (1, 1, t) and frames (1, f, 3, side, side), either of which may be empty -> (1, dim).

    A sound alone is the first token of the audio encoder, frames alone that of the video encoder, and both together
    that of the encoder of both. The frames are aligned with the sound by the nearest frame in time.
    """

    def __init__(
        self,
        dim: int = DIM,
        sizes: Sizes | None = None,
        codec: Mapping[str, Any] | None = None,
        vision: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        torchvision_shim.install()
        transformers = optional_packages.need("transformers", "paper")
        given: dict[str, dict[str, Any]] = {name: dict(size) for name, size in (sizes or {}).items()}
        both = given.pop("", {})
        given["audio_config"] = {"dac_config": dict(codec or {})} | given.get("audio_config", {})
        if vision:
            given["video_config"] = {"vision_config": dict(vision)} | given.get("video_config", {})
        config = transformers.PeAudioVideoEncoderConfig(**given, **both)
        self.audio_video_encoder = transformers.PeAudioVideoEncoder(config)
        _make_positions(self.audio_video_encoder)
        self.audio_head = pe_av.Head(config.audio_config.hidden_size, dim)
        self.video_head = pe_av.Head(config.video_config.hidden_size, dim)
        self.audio_video_head = pe_av.Head(config.hidden_size, dim)

    def forward(self, samples: Tensor, frames: Tensor) -> Tensor:
        """Return the embedding of a sound, of a film without sound, or of one with its sound; not normalised."""
        embedder = self.audio_video_encoder.embedder
        if not frames.shape[1]:
            heard: Tensor = self.audio_head(embedder.audio_encoder(samples).pooler_output)
            return heard
        if not samples.shape[2]:
            seen: Tensor = self.video_head(embedder.video_encoder(frames).pooler_output)
            return seen
        joint: Tensor = self.audio_video_head(self.audio_video_encoder(samples, frames).pooler_output)
        return joint


class Text(pe_av.Text):
    """Tokens and their mask (n, t) -> (n, dim): the mean direction of the texts of sounds, of videos and of both.

    PE-AV has a text head for each; the mean stands for all three, because a query does not say what it looks for.
    """

    def __init__(self, dim: int = DIM, **shape: Any) -> None:
        super().__init__(dim, **shape)
        width = self.text_model.config.hidden_size
        self.text_video_head, self.text_audio_video_head = pe_av.Head(width, dim), pe_av.Head(width, dim)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the embeddings of texts."""
        first = self.text_model(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0]
        heads = (self.text_audio_head, self.text_video_head, self.text_audio_video_head)
        return torch.stack([functional.normalize(head(first), dim=-1) for head in heads]).mean(0)


def _make_positions(encoder: Any) -> None:
    """Create rotary positions off the meta device: no file contains them, and they stay float32."""
    embedder = encoder.embedder
    for part in (encoder, embedder.audio_encoder, embedder.video_encoder):
        part.rotary_emb = pe_av.rotary_on_cpu(part.rotary_emb, part.config)
    rope: Any = embedder.video_encoder.embedder.vision_model.timm_model.get_submodule("rope").to_empty(device="cpu")
    with torch.device("cpu"):
        rope.init_non_persistent_buffers()


def media_in_file(name: str) -> str:
    """Return the name in the file of a tensor of `Media`; the encoders of one modality have names of their own."""
    for own, theirs in _EMBEDDERS.items():
        if name.startswith(own):
            return theirs + name.removeprefix(own)
    return name


def text_in_file(name: str) -> str:
    """Return the name in the file of a tensor of `Text`."""
    if name.startswith("text_audio_video_head."):
        return name
    return f"video_model.{name}" if name.startswith("text_video_head.") else pe_av.text_name_in_file(name)


def sizes(path: Path) -> Sizes:
    """Return the sizes of the encoders in a file, by their names in the configuration of transformers.

    Raises:
        WeightsError: the file is not PE-AV's.
    """
    shapes = tensors.shapes(path)
    found = {}
    for name, prefix in ENCODERS.items():
        layers = {int(m[1]) for each in shapes if (m := re.match(rf"{re.escape(prefix)}\.layers\.(\d+)\.", each))}
        try:
            hidden = shapes[f"{prefix}.norm.weight"][0]
            inner = shapes[f"{prefix}.layers.0.mlp.gate_proj.weight"][0]
            heads = shapes[f"{prefix}.layers.0.self_attn.q_proj.weight"][0] // HEAD_WIDTH
        except KeyError as error:
            raise WeightsError(f"{path} is not a file of PE-AV: it has no tensor {error}") from None
        except IndexError:
            raise WeightsError(f"{path} is not a file of PE-AV: a tensor of {prefix} is a single number") from None
        if not heads:
            raise WeightsError(f"{path} is not a file of PE-AV: {prefix} has heads of less than {HEAD_WIDTH} numbers")
        found[name] = {
            "hidden_size": hidden,
            "intermediate_size": inner,
            "num_hidden_layers": len(layers),
            "num_attention_heads": heads,
        }
    return found


def _media(settings: Settings) -> Callable[[Sequence[Content]], tuple[Tensor, Tensor]]:  # noqa: ARG001
    fit = partial(pixels.squash, resample=Image.Resampling.BILINEAR)

    def prepare(contents: Sequence[Content]) -> tuple[Tensor, Tensor]:
        (content,) = contents
        sound = content.sound if isinstance(content, Clip) else content
        seen = list(content.frames) if isinstance(content, Clip) else []
        frames = pixels.batch(seen, fit, SIDE, pixels.HALF, pixels.HALF) if seen else torch.zeros(0, 3, SIDE, SIDE)
        samples = pe_av.heard(sound) if isinstance(sound, Waveform) else np.zeros(0, np.float32)
        return torch.from_numpy(samples)[None, None], frames[None]

    return prepare


def _run(network: nn.Module, *inputs: Tensor) -> Tensor:
    embedded: Tensor = network(*inputs)
    return embedded


@dataclass(frozen=True)
class MediaLoader:
    """Loads the tower of sounds and videos with the sizes of its file; `TowerSpec.target` names an instance."""

    loader: Loader
    build: Callable[[Sizes], nn.Module]

    def load(self, settings: Settings, fingerprint: str) -> Pipeline:
        """Read the tower from this machine. Raises as `Loader.load`."""
        path = resolve(self.loader.weights, settings)
        return replace(self.loader, build=partial(self.build, sizes(path))).load(settings, fingerprint)


def _build(sizes: Sizes) -> nn.Module:
    return Media(sizes=sizes)


# One at a time: the codec would encode the padding of shorter sounds, and a row would depend on its batch.
PE_AV_SMALL_MEDIA = MediaLoader(
    Loader("pe_av_small_media", DIM, modern_files.PE_AV_SMALL, Media, media_in_file, _media, _run, 1), _build
)
PE_AV_SMALL_TEXT = Loader(
    "pe_av_small_text", DIM, modern_files.PE_AV_SMALL, Text, text_in_file, pe_av.tokenizer, _run, pe_av.TEXTS
)
