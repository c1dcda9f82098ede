"""The weight files of the spaces that OmniBind binds. For files without a hash, see `WeightSpec`."""

from omnisearch.spaces.weights.spec import Hub, Url, WeightSpec

WAVCAPS_LICENCE = "WavCaps-NC"
APPLE_LICENCE = "Apple-ASCL"


# The repository with the copies that OmniBind's authors used: below checkpoints/ at this revision.
_OMNIBIND = ("Viglong/OmniBind", "8deaafb0eee8182f0a43a3efb8398e3fb486033b")


def _hub(
    name: str,
    licence: str,
    repository: str,
    file: str,
    size: int | None = None,
    sha256: str | None = None,
    revision: str = "main",
) -> WeightSpec:
    return WeightSpec(name, sha256, size, licence, (Hub(repository, revision, file),))


def _wavcaps(name: str, file: str) -> WeightSpec:
    return WeightSpec(name, None, None, WAVCAPS_LICENCE, (Hub(*_OMNIBIND, f"checkpoints/wavcaps/{file}"),))


ROBERTA_TOKENIZER = _hub("roberta-tokenizer.json", "MIT", "FacebookAI/roberta-base", "tokenizer.json")
CLAP_G = _hub("clap-630k-fusion.pt", "CC0-1.0", "lukewys/laion_clap", "630k-fusion-best.pt")
CLAP_M = _hub(
    "clap-music-speech.pt",
    "CC0-1.0",
    "lukewys/laion_clap",
    "music_speech_audioset_epoch_15_esc_89.98.pt",
    2_352_471_003,
    "51c68f12f9d7ea25fdaaccf741ec7f81e93ee594455410f3bca4f47f88d8e006",
    "4226474e38defca6fc9272a7848bb7b0355ccd7a",
)
WAVCAPS_PT = _wavcaps("wavcaps-pt.pt", "HTSAT-BERT-PT.pt")
WAVCAPS_AUD = _wavcaps("wavcaps-aud.pt", "HTSAT-BERT-FT-AudioCaps.pt")
WAVCAPS_CLO = _wavcaps("wavcaps-clo.pt", "HTSAT-BERT-FT-Clotho.pt")
DFN_H14 = _hub("dfn5b-h14.bin", APPLE_LICENCE, "apple/DFN5B-CLIP-ViT-H-14", "open_clip_pytorch_model.bin")
EVA_E14P = _hub(
    "eva02-clip-e14-plus.pt",
    "MIT",
    "QuanSun/EVA-CLIP",
    "EVA02_CLIP_E_psz14_plus_s9B.pt",
    10_090_109_864,
    "7cfb55832d0011e36e3ac1d5d575895ef61dc03fd43895506a66f6aa697b9b1c",
    "571bdc9ffc9854523d24cfbb4d4b78da28762790",
)
EVA_18B = _hub(
    "eva-clip-18b.pt",
    "Apache-2.0",
    "BAAI/EVA-CLIP-18B",
    "EVA_CLIP_18B_psz14_s6B.fp16.pt",
    36_651_249_988,
    "764096a494aa601b5eda9a6c4e26bd94502ff02e04147c288cb58a5e1c6b5806",
    "ac8597aed12b1ecf2eda2130d0458bb1a0b50011",
)
SIGLIP_L = _hub("siglip-large-384.safetensors", "Apache-2.0", "google/siglip-large-patch16-384", "model.safetensors")
SIGLIP_L_TOKENIZER = _hub("siglip-large-spiece.model", "Apache-2.0", "google/siglip-large-patch16-384", "spiece.model")
SIGLIP_SO400M = _hub(
    "siglip-so400m-384.safetensors", "Apache-2.0", "google/siglip-so400m-patch14-384", "model.safetensors"
)
SIGLIP_SO400M_TOKENIZER = _hub(
    "siglip-so400m-spiece.model", "Apache-2.0", "google/siglip-so400m-patch14-384", "spiece.model"
)


def _uni3d(name: str, folder: str, sha256: str) -> WeightSpec:
    revision = "a3c608009053a821e51d9fb9a73b9a11c259a591"
    sources = (
        Hub("BAAI/Uni3D", revision, f"modelzoo/uni3d-g/{folder}/model.pt"),
        Hub(*_OMNIBIND, f"checkpoints/uni3d-g/{folder}/model.pt"),
    )
    return WeightSpec(name, sha256, 2_034_909_361, "MIT", sources)


UNI3D_LVIS = _uni3d("uni3d-lvis.pt", "lvis", "f0d8ecd047935b037fcc40bdfd66bef632631a968c37fef0f90f1351641573c3")
UNI3D_MNET = _uni3d("uni3d-mnet.pt", "mnet40", "bcbcd6bea00e55d031b083ff06d4783e3d23bff0f02f23f076ed98db58b8a468")
UNI3D_SCAN = _uni3d("uni3d-scan.pt", "scanobjnn", "d2b26da86c71ce48383a915a3f320b89843c774064edad2728324ef71145149b")
IMAGEBIND = WeightSpec(
    name="imagebind-huge.pth",
    sha256="d6f6c22bedcc90708448d5d2fbb7b2db9c73f505dc89bd0b2e09b23af1b62157",
    size=4_803_584_173,
    licence="CC-BY-NC-SA-4.0",
    # The first source is the authors' own server; the other has a copy.
    sources=(
        Url("https://dl.fbaipublicfiles.com/imagebind/imagebind_huge.pth"),
        Hub("DAMO-NLP-SG/Video-LLaMA-2-7B-Finetuned", "9d9519ffac4e48ef6510e829b1a1a643771a4dd0", "imagebind_huge.pth"),
    ),
)
