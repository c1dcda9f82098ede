"""Embeddings and models in the shapes of OpenAI's API."""

from typing import Literal

from pydantic import BaseModel

from omnisearch.types import Modality


class EmbeddingOut(BaseModel):
    """The unit vector of one input: numbers, or the base64 of float32 in little endian."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class UsageOut(BaseModel):
    """Always zero: each space has its own tokenizer, so tokens are not counted."""

    prompt_tokens: int = 0
    total_tokens: int = 0


class EmbeddingsOut(BaseModel):
    """The vectors of the inputs, in their order."""

    object: Literal["list"] = "list"
    data: list[EmbeddingOut]
    model: str
    usage: UsageOut = UsageOut()


class ModelOut(BaseModel):
    """The model that is served."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "omnisearch"
    dimensions: int
    modalities: list[Modality]


class ModelsOut(BaseModel):
    """The models that make embeddings: one."""

    object: Literal["list"] = "list"
    data: list[ModelOut]
