"""The weight files of the permissively licensed spaces. Their hashes are not published: see `WeightSpec`."""

from omnisearch.spaces.weights.spec import Hub, WeightSpec


def _hub(name: str, repository: str, file: str) -> WeightSpec:
    return WeightSpec(name, None, None, "Apache-2.0", (Hub(repository, "main", file),))


PE_CORE = _hub("pe-core-l14-336.safetensors", "timm/PE-Core-L-14-336", "open_clip_model.safetensors")
PE_AV = _hub("pe-av-large.safetensors", "facebook/pe-av-large", "model.safetensors")
PE_AV_TOKENIZER = _hub("pe-av-tokenizer.json", "facebook/pe-av-large", "tokenizer.json")
EMBEDDING_GEMMA = _hub("embedding-gemma-2.safetensors", "google/embeddinggemma-2", "model.safetensors")
EMBEDDING_GEMMA_TOKENIZER = _hub("embedding-gemma-2-tokenizer.json", "google/embeddinggemma-2", "tokenizer.json")
MICO = _hub("mico-g14.safetensors", "Yiyuan/MiCo-ViT-g-14-omnimodal-300k-b64K", "mico_pytorch_model.safetensors")
