"""The spaces that the model studio binds onto everyday's: sounds with videos, and points."""

from omnisearch.spaces.declaration import Declared, TowerSpec
from omnisearch.spaces.weights import modern_files as mf
from omnisearch.types import Modality

_PE_AV, _UNI3D = "omnisearch.spaces.families.pe_av_small", "omnisearch.spaces.families.uni3d"

TOWERS = (
    # In fp32 only, because a sample in bf16 has only eight bits. The file decides its layers: this is 0.85 thousand
    # million, as published, without the text network.
    TowerSpec("pe_av_small_media", 1024, (mf.PE_AV_SMALL,), f"{_PE_AV}:PE_AV_SMALL_MEDIA", parameters=528_000_000),
    TowerSpec(
        "pe_av_small_text",
        1024,
        (mf.PE_AV_SMALL, mf.PE_AV_TOKENIZER),
        f"{_PE_AV}:PE_AV_SMALL_TEXT",
        parameters=324_388_864,
        half="bf16",
    ),
    TowerSpec("uni3d_b", 1024, (mf.UNI3D_B,), f"{_UNI3D}:UNI3D_B", parameters=86_951_296, half="fp16"),
)

SPACES = (
    Declared(
        "pe_av_small",
        1024,
        {
            Modality.TEXT: "pe_av_small_text",
            Modality.AUDIO: "pe_av_small_media",
            Modality.VIDEO: "pe_av_small_media",
        },
        frozenset({"audio", "vision"}),
        "Apache-2.0",
        "Perception Encoder Audiovisual, small: sounds, videos with or without their sound, and their texts",
    ),
    Declared(
        "uni3d_b",
        1024,
        {Modality.TEXT: "eva_e14p_text", Modality.POINT_CLOUD: "uni3d_b"},
        frozenset({"shape"}),
        "MIT",
        "Uni3D-B: points; its texts are EVA02-CLIP-E/14+'s",
    ),
)
