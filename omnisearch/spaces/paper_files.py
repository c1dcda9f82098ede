"""The weight files of the spaces that OmniBind binds. Nobody publishes their hashes: see `WeightSpec`."""

from omnisearch.spaces.weights import Hub, WeightSpec

WAVCAPS_LICENCE = "LicenseRef-WavCaps-academic-only"
APPLE_LICENCE = "LicenseRef-Apple-AMLR"


def _hub(name: str, licence: str, repository: str, file: str, size: int | None = None) -> WeightSpec:
    return WeightSpec(name, None, size, licence, (Hub(repository, "main", file),))


ROBERTA_TOKENIZER = _hub("roberta-tokenizer.json", "MIT", "FacebookAI/roberta-base", "tokenizer.json")
CLAP_G = _hub("clap-630k-fusion.pt", "CC0-1.0", "lukewys/laion_clap", "630k-fusion-best.pt")
CLAP_M = _hub("clap-music-speech.pt", "CC0-1.0", "lukewys/laion_clap", "music_speech_audioset_epoch_15_esc_89.98.pt")
WAVCAPS_PT = _hub("wavcaps-pt.pt", WAVCAPS_LICENCE, "Viglong/OmniBind", "wavcaps/HTSAT-BERT-PT.pt")
WAVCAPS_AUD = _hub("wavcaps-aud.pt", WAVCAPS_LICENCE, "Viglong/OmniBind", "wavcaps/HTSAT-BERT-FT-AudioCaps.pt")
WAVCAPS_CLO = _hub("wavcaps-clo.pt", WAVCAPS_LICENCE, "Viglong/OmniBind", "wavcaps/HTSAT-BERT-FT-Clotho.pt")
DFN_H14 = _hub("dfn5b-h14.bin", APPLE_LICENCE, "apple/DFN5B-CLIP-ViT-H-14", "open_clip_pytorch_model.bin")
EVA_E14P = _hub("eva02-clip-e14-plus.pt", "MIT", "QuanSun/EVA-CLIP", "EVA02_CLIP_E_psz14_plus_s9B.pt")
EVA_18B = _hub("eva-clip-18b.pt", "Apache-2.0", "BAAI/EVA-CLIP-18B", "EVA_CLIP_18B_psz14_s6B.fp16.pt")
SIGLIP_L = _hub("siglip-large-384.safetensors", "Apache-2.0", "google/siglip-large-patch16-384", "model.safetensors")
SIGLIP_L_TOKENIZER = _hub("siglip-large-spiece.model", "Apache-2.0", "google/siglip-large-patch16-384", "spiece.model")
SIGLIP_SO400M = _hub(
    "siglip-so400m-384.safetensors", "Apache-2.0", "google/siglip-so400m-patch14-384", "model.safetensors"
)
SIGLIP_SO400M_TOKENIZER = _hub(
    "siglip-so400m-spiece.model", "Apache-2.0", "google/siglip-so400m-patch14-384", "spiece.model"
)
