"""A scaled-down PE-AV of random weights, and the file of it that transformers would write."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.weights import modern_files

DIM = 32  # in PE-AV every head ends in the width of the text network
CODEC = {"encoder_hidden_size": 4, "hidden_size": 16, "codebook_dim": 8}
TEXT = {"hidden_size": DIM, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
# Heads of 128 channels, as in the published models: the number of heads is read from the file.
AUDIO = {"hidden_size": 128, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 1}
VIDEO = {"hidden_size": 128, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
BOTH = {"hidden_size": 256, "intermediate_size": 40, "num_hidden_layers": 3, "num_attention_heads": 1}
VISION = {
    "architecture": "vit_pe_core_large_patch14_336",
    "do_pooling": True,
    "num_classes": 24,
    "global_pool": "map",
    "model_args": {"embed_dim": 64, "depth": 1, "num_heads": 4},
}


def make(**text: int) -> Any:
    """Return PE-AV in transformers, every tensor random; `text` changes the sizes of its text network."""
    torchvision_shim.install()
    import transformers

    config = transformers.PeAudioVideoConfig(
        text_config=dict(TEXT | text, model_type="modernbert"),
        audio_video_config={
            "audio_config": dict(AUDIO, dac_config=CODEC),
            "video_config": dict(VIDEO, vision_config=VISION),
            **BOTH,
        },
    )
    whole = transformers.PeAudioVideoModel(config)
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in whole.named_parameters():
            near = 1.0 if "norm" in name or name.endswith("alpha") else 0.0
            parameter.copy_(torch.randn_like(parameter) * (0.3 if parameter.ndim > 1 else 0.1) + near)
    return whole.eval()


def save(whole: Any, folder: Path) -> None:
    """Write the file: what several parts share lies there once, below the part of one modality."""
    doubles = ("audio_model.text_model.", "video_model.text_model.", "audio_video_encoder.embedder.audio_encoder.")
    doubles += ("audio_video_encoder.embedder.video_encoder.",)
    state = {name: tensor.clone() for name, tensor in whole.state_dict().items() if not name.startswith(doubles)}
    save_file(state, folder / modern_files.PE_AV_SMALL.name)
