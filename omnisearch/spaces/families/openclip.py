"""CLIPs that open_clip and timm run: DFN5B-CLIP-H, EVA02-CLIP-E+ and EVA-CLIP-18B, each tower loaded separately.

Sources: Fang et al., "Data Filtering Networks" (2023); Sun et al., "EVA-CLIP" (2023) and "EVA-CLIP-18B" (2024).
"""

import math
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
from omnisearch.spaces.weights.spec import WeightSpec

VOCABULARY, POSITIONS = 49_408, 77
SIDE = 224
IMAGES, TEXTS = 16, 64  # in a batch
TOKENS_18B = 42  # OmniBind's authors cut texts here for EVA-CLIP-18B; the network itself reads 77

DFN = "ViT-H-14-quickgelu"  # the plain ViT-H-14 has the same tensors but another activation
EVA_E = "EVA02-E-14-plus"
# The text tower is that of EVA02-CLIP-E+ with another output; no package defines the image tower.
DIM_18B = 1536
TRUNK_18B = {"img_size": SIDE, "patch_size": 14, "embed_dim": 5120, "depth": 48, "num_heads": 40, "mlp_ratio": 5}

# open_clip builds both towers: the unused one is built as small as possible.
_LITTLE_VISION = {"timm_model_name": None, "layers": 1, "width": 8, "head_width": 8, "patch_size": SIDE}
_LITTLE_TEXT = {"layers": 1, "width": 8, "heads": 1, "vocab_size": 1}

# Buffers that no file contains: the causal mask, and the bias of attention's keys, which is zero.
CONSTANTS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "attn_mask": lambda mask: torch.full(mask.shape, float("-inf")).triu(1),
    "k_bias": lambda bias: torch.zeros(bias.shape),
}


def clip(model: str, **changes: Any) -> nn.Module:
    """Return a CLIP of open_clip, both towers; `changes` of nested configurations are dictionaries.

    Raises:
        NotReadyError: open_clip is not installed.
    """
    open_clip = optional_packages.need("open_clip", "paper")
    config = open_clip.get_model_config(model)
    config.pop("custom_text", None)  # text towers are always separate modules here
    for key, value in changes.items():
        config[key] = config[key] | value if isinstance(value, dict) else value
    network: nn.Module = open_clip.CustomTextCLIP(**config)
    return network


def text_part(model: str, **changes: Any) -> nn.Module:
    """Return the text tower of a CLIP: tokens (n, 77) -> (n, dim)."""
    return clip(model, **changes | {"vision_cfg": _LITTLE_VISION}).get_submodule("text")


def image_part(model: str, **changes: Any) -> nn.Module:
    """Return the image tower of a CLIP: pixels (n, 3, 224, 224) -> (n, dim)."""
    visual = clip(model, **changes | {"text_cfg": _LITTLE_TEXT}).get_submodule("visual")
    trunk: nn.Module = getattr(visual, "trunk", visual)  # open_clip wraps timm's networks
    return trunk


def eva(dim: int, **arguments: Any) -> nn.Module:
    """Return the image tower of EVA-CLIP-18B, which is timm's Eva with root mean square norms after its blocks."""
    optional_packages.need("torchvision", "paper")
    from timm.layers.norm import RmsNorm
    from timm.models.eva import Eva

    norm = partial(RmsNorm, eps=1e-6)
    network: nn.Module = Eva(
        **arguments, num_classes=dim, global_pool="token", qkv_bias=False, use_post_norm=True, norm_layer=norm
    )
    network.register_module("head", nn.Linear(arguments["embed_dim"], dim, bias=False))  # timm's has a bias
    return network


def _run(network: nn.Module, inputs: Tensor) -> Tensor:
    rows: Tensor = network(inputs)
    return rows


def tokenizer(tokens: int, positions: int = POSITIONS) -> Prepare:
    """Return a function that maps texts to int64 (n, positions): at most `tokens` of CLIP's tokens, then zeros.

    Raises:
        NotReadyError: open_clip is not installed.
        WeightsError: open_clip's vocabulary is not CLIP's.
    """
    words = optional_packages.need("open_clip", "paper").SimpleTokenizer(context_length=tokens)
    if words.vocab_size != VOCABULARY:
        raise WeightsError(f"open_clip's tokenizer has {words.vocab_size} words, CLIP's has {VOCABULARY}")

    def prepare(texts: Any) -> tuple[Tensor]:
        ids = words([str(text) for text in texts])
        return (nn.functional.pad(ids, (0, positions - tokens)),)

    return prepare


def _image(name: str, dim: int, weights: WeightSpec, build: Callable[[], nn.Module], fit: pixels.Fit) -> Loader:
    def prepare(settings: Settings) -> Prepare:  # noqa: ARG001
        return lambda images: (pixels.batch(images, fit, SIDE, pixels.CLIP_MEAN, pixels.CLIP_DEVIATION),)

    return Loader(name, dim, weights, build, "visual.{}".format, prepare, _run, IMAGES, CONSTANTS)


def _text(
    name: str, dim: int, weights: WeightSpec, build: Callable[[], nn.Module], prefix: str, tokens: int = POSITIONS
) -> Loader:
    def prepare(settings: Settings) -> Prepare:  # noqa: ARG001
        return tokenizer(tokens)

    return Loader(name, dim, weights, build, f"{prefix}{{}}".format, prepare, _run, TEXTS, CONSTANTS)


# open_clip's configuration of DFN5B squashes. The authors of OmniBind used the hub's configuration of 2024, which may
# have been different; `pixels.crop` is the alternative.
DFN_H14_IMAGE = _image("dfn_h14_image", 1024, paper_files.DFN_H14, partial(image_part, DFN), pixels.squash)
DFN_H14_TEXT = _text("dfn_h14_text", 1024, paper_files.DFN_H14, partial(text_part, DFN), "")
EVA_E14P_IMAGE = _image("eva_e14p_image", 1024, paper_files.EVA_E14P, partial(image_part, EVA_E), pixels.crop)
EVA_E14P_TEXT = _text("eva_e14p_text", 1024, paper_files.EVA_E14P, partial(text_part, EVA_E), "text.")
# Its authors' example crops with transformers' processor, which rounds down where torchvision rounds to nearest.
EVA_18B_IMAGE = _image(
    "eva_18b_image",
    DIM_18B,
    paper_files.EVA_18B,
    partial(eva, DIM_18B, **TRUNK_18B),
    partial(pixels.crop, whole=math.floor),
)
EVA_18B_TEXT = _text(
    "eva_18b_text", DIM_18B, paper_files.EVA_18B, partial(text_part, EVA_E, embed_dim=DIM_18B), "text.", TOKENS_18B
)
