"""The spaces that OmniBind binds (Wang et al., 2024): what the published checkpoints were trained over."""

from omnisearch.spaces import files, paper_files
from omnisearch.spaces.declaration import Declared, TowerSpec
from omnisearch.spaces.weights import WeightSpec
from omnisearch.types import Modality

_CLAP, _WAVCAPS = "omnisearch.spaces.clap", "omnisearch.spaces.wavcaps"
_OPENCLIP, _SIGLIP = "omnisearch.spaces.openclip", "omnisearch.spaces.siglip"


def _pair(
    space: str, dim: int, weights: WeightSpec, words: tuple[WeightSpec, ...], other: Modality, module: str
) -> tuple[TowerSpec, TowerSpec]:
    """Declare the text tower and the other tower of a space, which lie in one file; `words` is the vocabulary."""
    return (
        TowerSpec(f"{space}_text", dim, (weights, *words), f"{module}:{space.upper()}_TEXT"),
        TowerSpec(f"{space}_{other}", dim, (weights,), f"{module}:{space.upper()}_{other.upper()}"),
    )


_ROBERTA, _BERT = (paper_files.ROBERTA_TOKENIZER,), (files.MINILM_TOKENIZER,)  # MiniLM's words are BERT's

TOWERS = (
    *_pair("clap_g", 512, paper_files.CLAP_G, _ROBERTA, Modality.AUDIO, _CLAP),
    *_pair("clap_m", 512, paper_files.CLAP_M, _ROBERTA, Modality.AUDIO, _CLAP),
    *_pair("wavcaps_pt", 1024, paper_files.WAVCAPS_PT, _BERT, Modality.AUDIO, _WAVCAPS),
    *_pair("wavcaps_aud", 1024, paper_files.WAVCAPS_AUD, _BERT, Modality.AUDIO, _WAVCAPS),
    *_pair("wavcaps_clo", 1024, paper_files.WAVCAPS_CLO, _BERT, Modality.AUDIO, _WAVCAPS),
    *_pair("dfn_h14", 1024, paper_files.DFN_H14, (), Modality.IMAGE, _OPENCLIP),
    *_pair("eva_e14p", 1024, paper_files.EVA_E14P, (), Modality.IMAGE, _OPENCLIP),
    *_pair("eva_18b", 1536, paper_files.EVA_18B, (), Modality.IMAGE, _OPENCLIP),
    *_pair("siglip_l", 1024, paper_files.SIGLIP_L, (paper_files.SIGLIP_L_TOKENIZER,), Modality.IMAGE, _SIGLIP),
    *_pair(
        "siglip_so400m",
        1152,
        paper_files.SIGLIP_SO400M,
        (paper_files.SIGLIP_SO400M_TOKENIZER,),
        Modality.IMAGE,
        _SIGLIP,
    ),
)


def _space(name: str, dim: int, other: Modality, licence: str, summary: str) -> Declared:
    tag = "audio" if other is Modality.AUDIO else "vision"
    towers = {Modality.TEXT: f"{name}_text", other: f"{name}_{other}"}
    return Declared(name, dim, towers, frozenset({tag}), licence, summary)


_WAVCAPS_LICENCE = paper_files.WAVCAPS_LICENCE
SPACES = (
    _space("clap_g", 512, Modality.AUDIO, "CC0-1.0", "LAION-CLAP of general sounds, with feature fusion"),
    _space("clap_m", 512, Modality.AUDIO, "CC0-1.0", "LAION-CLAP of music and speech"),
    _space("wavcaps_pt", 1024, Modality.AUDIO, _WAVCAPS_LICENCE, "WavCaps, pretrained"),
    _space("wavcaps_aud", 1024, Modality.AUDIO, _WAVCAPS_LICENCE, "WavCaps, finetuned on AudioCaps"),
    _space("wavcaps_clo", 1024, Modality.AUDIO, _WAVCAPS_LICENCE, "WavCaps, finetuned on Clotho"),
    _space("dfn_h14", 1024, Modality.IMAGE, paper_files.APPLE_LICENCE, "DFN5B-CLIP ViT-H/14"),
    _space("eva_e14p", 1024, Modality.IMAGE, "MIT", "EVA02-CLIP-E/14+"),
    _space("siglip_l", 1024, Modality.IMAGE, "Apache-2.0", "SigLIP Large, 384 pixels"),
    _space("siglip_so400m", 1152, Modality.IMAGE, "Apache-2.0", "SigLIP so400m, 384 pixels"),
    _space("eva_18b", 1536, Modality.IMAGE, "Apache-2.0", "EVA-CLIP-18B, the anchor that all others are bound to"),
)
