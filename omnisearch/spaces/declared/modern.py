"""The permissively licensed spaces, newer than the paper's: for images, for sounds, and for both."""

from omnisearch.spaces.declaration import Declared, TowerSpec
from omnisearch.spaces.weights import modern_files as mf
from omnisearch.types import Modality, Role

_PE_CORE, _PE_AV = "omnisearch.spaces.families.pe_core", "omnisearch.spaces.families.pe_av"
_GEMMA = "omnisearch.spaces.families.embedding_gemma"
_GEMMA_FILES = (mf.EMBEDDING_GEMMA, mf.EMBEDDING_GEMMA_TOKENIZER)
# Images and sounds have encoders of their own, whose tokens are read by the text network.
_GEMMA_SIZES = {Modality.TEXT: 271_002_624, Modality.IMAGE: 167_757_824, Modality.AUDIO: 305_611_040}
_GEMMA_LINEAR = {Modality.TEXT: 136_708_096, Modality.IMAGE: 151_977_984, Modality.AUDIO: 305_397_760}
# The prompts of the model's card for retrieval; a document without a title is called none.
_GEMMA_PROMPTS = {Role.QUERY: "task: search result | query: {text}", Role.DOCUMENT: "title: none | text: {text}"}
# Budgets of an image: the longest sides that fit are used, so an image takes nearly all of its budget.
_GEMMA_TOKENS = (280, 70, 140, 560, 1120)

TOWERS = (
    TowerSpec("pe_core_text", 1024, (mf.PE_CORE,), f"{_PE_CORE}:PE_CORE_TEXT", parameters=353_986_560, half="bf16"),
    TowerSpec(
        "pe_core_image",
        1024,
        (mf.PE_CORE,),
        f"{_PE_CORE}:PE_CORE_IMAGE",
        parameters=317_152_256,
        half="bf16",
        side=336,
    ),
    TowerSpec(
        "pe_av_text",
        1024,
        (mf.PE_AV, mf.PE_AV_TOKENIZER),
        f"{_PE_AV}:PE_AV_TEXT",
        parameters=322_287_616,
        half="bf16",
    ),
    # In fp32 only, because a sample in bf16 has only eight bits.
    TowerSpec("pe_av_audio", 1024, (mf.PE_AV,), f"{_PE_AV}:PE_AV_AUDIO", parameters=1_134_277_568),
    *(
        TowerSpec(
            f"embedding_gemma_{modality}",
            768,
            _GEMMA_FILES,
            f"{_GEMMA}:EMBEDDING_GEMMA_{modality.upper()}",
            version=2,
            parameters=size,
            half="bf16",
            linear=_GEMMA_LINEAR[modality],
            prompts=_GEMMA_PROMPTS if modality is Modality.TEXT else {},
            tokens=_GEMMA_TOKENS if modality is Modality.IMAGE else (),
            over=None if modality is Modality.TEXT else "embedding_gemma_text",
        )
        for modality, size in _GEMMA_SIZES.items()
    ),
    TowerSpec(
        "embedding_gemma_views",
        768,
        _GEMMA_FILES,
        "omnisearch.spaces.families.view_tower:EMBEDDING_GEMMA_VIEWS",
        half="bf16",
        over="embedding_gemma_image",
    ),
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
    Declared(
        "embedding_gemma",
        768,
        {modality: f"embedding_gemma_{modality}" for modality in _GEMMA_SIZES}
        | {Modality.POINT_CLOUD: "embedding_gemma_views"},
        frozenset({"audio", "vision"}),
        "Apache-2.0",
        "EmbeddingGemma 2: texts, images, sounds and views of 3D models, read by one text network",
    ),
)
