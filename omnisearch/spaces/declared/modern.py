"""The permissively licensed spaces: newer than the paper's, one for what is seen and one for what is heard."""

from omnisearch.spaces import modern_files as mf
from omnisearch.spaces.declaration import Declared, TowerSpec
from omnisearch.types import Modality

_PE_CORE, _PE_AV = "omnisearch.spaces.pe_core", "omnisearch.spaces.pe_av"

TOWERS = (
    TowerSpec("pe_core_text", 1024, (mf.PE_CORE,), f"{_PE_CORE}:PE_CORE_TEXT", parameters=353_986_560, half="bf16"),
    TowerSpec("pe_core_image", 1024, (mf.PE_CORE,), f"{_PE_CORE}:PE_CORE_IMAGE", parameters=317_152_256, half="bf16"),
    TowerSpec(
        "pe_av_text",
        1024,
        (mf.PE_AV, mf.PE_AV_TOKENIZER),
        f"{_PE_AV}:PE_AV_TEXT",
        parameters=322_287_616,
        half="bf16",
    ),
    # In fp32 only: it reads samples, and a sample in bf16 has eight bits.
    TowerSpec("pe_av_audio", 1024, (mf.PE_AV,), f"{_PE_AV}:PE_AV_AUDIO", parameters=1_134_277_568),
)

SPACES = (
    Declared(
        "pe_core",
        1024,
        {Modality.TEXT: "pe_core_text", Modality.IMAGE: "pe_core_image"},
        frozenset({"vision"}),
        "Apache-2.0",
        "Perception Encoder Core L/14, 336 pixels",
    ),
    Declared(
        "pe_av",
        1024,
        {Modality.TEXT: "pe_av_text", Modality.AUDIO: "pe_av_audio"},
        frozenset({"audio"}),
        "Apache-2.0",
        "Perception Encoder Audiovisual, large: its sounds and their texts",
    ),
)
