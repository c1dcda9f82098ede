"""The spaces that OmniBind binds (Wang et al., 2024); the published checkpoints were trained on their embeddings."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from omnisearch.spaces.declaration import Declared, TowerSpec
from omnisearch.spaces.weights import paper_files as pf
from omnisearch.spaces.weights import weight_files
from omnisearch.spaces.weights.spec import WeightSpec
from omnisearch.types import Modality

_CLAP, _WAVCAPS = "omnisearch.spaces.families.clap", "omnisearch.spaces.families.wavcaps"
_OPENCLIP, _SIGLIP = "omnisearch.spaces.families.openclip", "omnisearch.spaces.families.siglip"
_UNI3D, _IMAGEBIND = "omnisearch.spaces.families.uni3d", "omnisearch.spaces.families.imagebind"


_Half: TypeAlias = Literal["bf16", "fp16"] | None


def _pair(
    space: str, dim: int, module: str, files: tuple[WeightSpec, ...], sizes: Mapping[Modality, int], half: _Half = None
) -> tuple[TowerSpec, ...]:
    """Declare the towers of a space, with their parameter counts; the text tower reads all `files`, others one."""
    return tuple(
        TowerSpec(
            f"{space}_{modality}",
            dim,
            files if modality is Modality.TEXT else files[:1],
            f"{module}:{space.upper()}_{modality.upper()}",
            parameters=size,
            half=half,
            side=_SIDES[space] if modality is Modality.IMAGE else 0,
        )
        for modality, size in sizes.items()
    )


_SIDES = {"dfn_h14": 224, "eva_e14p": 224, "eva_18b": 224, "siglip_l": 384, "siglip_so400m": 384, "imagebind": 224}
_TEXT, _IMAGE, _AUDIO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO
_BERT = weight_files.MINILM_TOKENIZER  # MiniLM has the vocabulary of BERT
_WAVCAPS_SIZES = {_TEXT: 110_728_704, _AUDIO: 29_371_544}

TOWERS = (
    *_pair("clap_g", 512, _CLAP, (pf.CLAP_G, pf.ROBERTA_TOKENIZER), {_TEXT: 125_302_016, _AUDIO: 28_205_512}),
    *_pair("clap_m", 512, _CLAP, (pf.CLAP_M, pf.ROBERTA_TOKENIZER), {_TEXT: 125_302_016, _AUDIO: 68_611_864}),
    *_pair("wavcaps_pt", 1024, _WAVCAPS, (pf.WAVCAPS_PT, _BERT), _WAVCAPS_SIZES),
    *_pair("wavcaps_aud", 1024, _WAVCAPS, (pf.WAVCAPS_AUD, _BERT), _WAVCAPS_SIZES),
    *_pair("wavcaps_clo", 1024, _WAVCAPS, (pf.WAVCAPS_CLO, _BERT), _WAVCAPS_SIZES),
    *_pair("dfn_h14", 1024, _OPENCLIP, (pf.DFN_H14,), {_TEXT: 354_032_640, _IMAGE: 632_076_800}, "bf16"),
    *_pair("eva_e14p", 1024, _OPENCLIP, (pf.EVA_E14P,), {_TEXT: 694_332_160, _IMAGE: 4_350_556_928}, "fp16"),
    *_pair("eva_18b", 1536, _OPENCLIP, (pf.EVA_18B,), {_TEXT: 694_987_520, _IMAGE: 17_630_494_720}, "fp16"),
    *_pair(
        "siglip_l",
        1024,
        _SIGLIP,
        (pf.SIGLIP_L, pf.SIGLIP_L_TOKENIZER),
        {_TEXT: 336_194_560, _IMAGE: 316_283_904},
        "bf16",
    ),
    *_pair(
        "siglip_so400m",
        1152,
        _SIGLIP,
        (pf.SIGLIP_SO400M, pf.SIGLIP_SO400M_TOKENIZER),
        {_TEXT: 449_734_896, _IMAGE: 428_225_600},
        "bf16",
    ),
    *(
        TowerSpec(name, 1024, (file,), f"{_UNI3D}:{name.upper()}", parameters=1_012_864_128, half="fp16")
        for name, file in (("uni3d_lvis", pf.UNI3D_LVIS), ("uni3d_mnet", pf.UNI3D_MNET), ("uni3d_scan", pf.UNI3D_SCAN))
    ),
    *_pair("imagebind", 1024, _IMAGEBIND, (pf.IMAGEBIND,), {_TEXT: 354_032_640, _IMAGE: 632_829_440}, "bf16"),
    *_pair("imagebind", 1024, _IMAGEBIND, (pf.IMAGEBIND,), {_AUDIO: 86_235_648}),
)


def _space(name: str, dim: int, other: Modality, licence: str, summary: str) -> Declared:
    tag = "audio" if other is Modality.AUDIO else "vision"
    towers = {Modality.TEXT: f"{name}_text", other: f"{name}_{other}"}
    return Declared(name, dim, towers, frozenset({tag}), licence, summary)


def _uni3d(name: str, summary: str) -> Declared:
    towers = {Modality.TEXT: "eva_e14p_text", Modality.IMAGE: "eva_e14p_image", Modality.POINT_CLOUD: name}
    return Declared(name, 1024, towers, frozenset({"shape"}), "MIT", summary)


_WAVCAPS_LICENCE = pf.WAVCAPS_LICENCE
SPACES = (
    _space("clap_g", 512, Modality.AUDIO, "CC0-1.0", "LAION-CLAP of general sounds, with feature fusion"),
    _space("clap_m", 512, Modality.AUDIO, "CC0-1.0", "LAION-CLAP of music and speech"),
    _space("wavcaps_pt", 1024, Modality.AUDIO, _WAVCAPS_LICENCE, "WavCaps, pretrained"),
    _space("wavcaps_aud", 1024, Modality.AUDIO, _WAVCAPS_LICENCE, "WavCaps, finetuned on AudioCaps"),
    _space("wavcaps_clo", 1024, Modality.AUDIO, _WAVCAPS_LICENCE, "WavCaps, finetuned on Clotho"),
    _space("dfn_h14", 1024, Modality.IMAGE, pf.APPLE_LICENCE, "DFN5B-CLIP ViT-H/14"),
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
