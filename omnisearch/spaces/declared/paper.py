"""The spaces that OmniBind binds (Wang et al., 2024): what the published checkpoints were trained over."""

from omnisearch.spaces import files, paper_files
from omnisearch.spaces.declaration import Declared, TowerSpec
from omnisearch.spaces.weights import WeightSpec
from omnisearch.types import Modality

_CLAP, _WAVCAPS = "omnisearch.spaces.clap", "omnisearch.spaces.wavcaps"
_OPENCLIP, _SIGLIP = "omnisearch.spaces.openclip", "omnisearch.spaces.siglip"
_UNI3D, _IMAGEBIND = "omnisearch.spaces.uni3d", "omnisearch.spaces.imagebind"


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
    TowerSpec("uni3d_lvis", 1024, (paper_files.UNI3D_LVIS,), f"{_UNI3D}:LVIS"),
    TowerSpec("uni3d_mnet", 1024, (paper_files.UNI3D_MNET,), f"{_UNI3D}:MNET"),
    TowerSpec("uni3d_scan", 1024, (paper_files.UNI3D_SCAN,), f"{_UNI3D}:SCAN"),
    TowerSpec("imagebind_text", 1024, (paper_files.IMAGEBIND,), f"{_IMAGEBIND}:Texts"),
    TowerSpec("imagebind_image", 1024, (paper_files.IMAGEBIND,), f"{_IMAGEBIND}:Images"),
    TowerSpec("imagebind_audio", 1024, (paper_files.IMAGEBIND,), f"{_IMAGEBIND}:Sounds"),
)


def _space(name: str, dim: int, other: Modality, licence: str, summary: str) -> Declared:
    tag = "audio" if other is Modality.AUDIO else "vision"
    towers = {Modality.TEXT: f"{name}_text", other: f"{name}_{other}"}
    return Declared(name, dim, towers, frozenset({tag}), licence, summary)


def _uni3d(name: str, summary: str) -> Declared:
    towers = {Modality.TEXT: "eva_e14p_text", Modality.IMAGE: "eva_e14p_image", Modality.POINT_CLOUD: name}
    return Declared(name, 1024, towers, frozenset({"shape"}), "MIT", summary)


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
    _uni3d("uni3d_lvis", "Uni3D-g, best on Objaverse-LVIS; its texts and images are EVA02-CLIP-E/14+'s"),
    _uni3d("uni3d_mnet", "Uni3D-g, best on ModelNet40"),
    _uni3d("uni3d_scan", "Uni3D-g, best on ScanObjectNN"),
    Declared(
        "imagebind",
        1024,
        {m: f"imagebind_{m}" for m in (Modality.TEXT, Modality.IMAGE, Modality.AUDIO)},
        frozenset({"audio", "vision"}),
        "CC-BY-NC-SA-4.0",
        "ImageBind-huge, without depth, heat and motion",
    ),
    _space("eva_18b", 1536, Modality.IMAGE, "Apache-2.0", "EVA-CLIP-18B, the anchor that all others are bound to"),
)
