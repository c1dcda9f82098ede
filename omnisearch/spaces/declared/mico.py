"""MiCo's space: images, sounds and texts in 512 dimensions, from one image network and BERT."""

from omnisearch.spaces.declaration import Declared, TowerSpec
from omnisearch.spaces.weights import modern_files, weight_files
from omnisearch.types import Modality

_FAMILY = "omnisearch.spaces.families.mico"

TOWERS = (
    TowerSpec(
        "mico_text",
        512,
        (modern_files.MICO, weight_files.MINILM_TOKENIZER),  # MiniLM has the vocabulary of BERT
        f"{_FAMILY}:MICO_TEXT",
        parameters=109_284_864,
        half="bf16",
    ),
    TowerSpec(
        "mico_vision",
        1408,
        (modern_files.MICO,),
        f"{_FAMILY}:MICO_VISION",
        parameters=1_011_146_112,
        half="bf16",
        side=224,
    ),
)

SPACES = (
    Declared(
        "mico",
        512,
        {Modality.TEXT: "mico_text", Modality.IMAGE: "mico_vision", Modality.AUDIO: "mico_vision"},
        frozenset({"audio", "vision"}),
        "Apache-2.0",
        "MiCo ViT-g/14: one network for images and the spectrograms of sounds, and BERT for texts",
        f"{_FAMILY}:Mico",
    ),
)
