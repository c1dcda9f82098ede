"""The weight files of the permissively licensed spaces. For files without a hash, see `WeightSpec`."""

from omnisearch.spaces.weights.spec import Hub, WeightSpec

# The commit of EmbeddingGemma 2 that mteb's results were made with.
_GEMMA = "914f7f89142e33e77833254d9c9b90c3cef7303b"


def _hub(name: str, repository: str, file: str, revision: str = "main", licence: str = "Apache-2.0") -> WeightSpec:
    return WeightSpec(name, None, None, licence, (Hub(repository, revision, file),))


PE_CORE = _hub("pe-core-l14-336.safetensors", "timm/PE-Core-L-14-336", "open_clip_model.safetensors")
PE_AV = _hub("pe-av-large.safetensors", "facebook/pe-av-large", "model.safetensors")
PE_AV_SMALL = _hub(
    "pe-av-small.safetensors",
    "facebook/pe-av-small",
    "model.safetensors",
    "dd050762bb9704ae9cd996ca45532a98f81d817e",
)
PE_AV_TOKENIZER = _hub("pe-av-tokenizer.json", "facebook/pe-av-large", "tokenizer.json")
EMBEDDING_GEMMA = _hub("embedding-gemma-2.safetensors", "google/embeddinggemma-2", "model.safetensors", _GEMMA)
EMBEDDING_GEMMA_TOKENIZER = _hub(
    "embedding-gemma-2-tokenizer.json", "google/embeddinggemma-2", "tokenizer.json", _GEMMA
)
MICO = WeightSpec(
    "mico-g14.safetensors",
    "e4c1a684cc93e54e1c3e39a2dc95aaef8ffe905d159a9fb002b5124e24716185",  # as the hub's page of the file has it
    None,
    "Apache-2.0",
    (Hub("Yiyuan/MiCo-ViT-g-14-omnimodal-300k-b64K", "main", "mico_pytorch_model.safetensors"),),
)
UNI3D_B = _hub("uni3d-b.pt", "BAAI/Uni3D", "modelzoo/uni3d-b/model.pt", licence="MIT")
