"""OpenAI's own client, LangChain's and LlamaIndex's, against a real server process."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from omnisearch.config import load_settings
from omnisearch.query.expressions import Term
from omnisearch.search.engine import Engine
from omnisearch_indexer.session import index_files
from tests.api.conftest import picture, server_process, tone

# Some of these packages warn when they are imported.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

TEXTS = ["red", "a blue sky", "whalebone"]
# One triangle, whose kind only the name tells.
SOLID = b"v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\nf 1 2 4\nf 2 3 4\nf 1 3 4\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("files")
    for name, data in (("red.png", picture((220, 30, 30))), ("bark.wav", tone(1.0)), ("solid.obj", SOLID)):
        (place / name).write_bytes(data)
    return place


@pytest.fixture(scope="module")
def data_dir(folder: Path, hashed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("data")
    index_files([folder], load_settings(data_dir=made, model=str(hashed_model), workers=1))
    return made


@pytest.fixture(scope="module")
def server(data_dir: Path, hashed_model: Path) -> Iterator[str]:
    """The address of `omnisearch serve`."""
    with server_process(data_dir, hashed_model) as url:
        yield url


@pytest.fixture(scope="module")
def wanted(data_dir: Path, hashed_model: Path, folder: Path) -> dict[str, Any]:
    """The vectors as the engine gives them."""
    with Engine.open(load_settings(data_dir=data_dir, model=str(hashed_model))) as engine:
        terms = [Term(text) for text in TEXTS] + [Term(path) for path in sorted(folder.iterdir())]
        return dict(
            zip(map(str, (*TEXTS, *(p.name for p in sorted(folder.iterdir())))), engine.embed(terms), strict=True)
        )


def url_of(path: Path) -> str:
    return f"data:application/octet-stream;base64,{base64.b64encode(path.read_bytes()).decode()}"


def test_openai(server: str, wanted: dict[str, Any], folder: Path) -> None:
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=f"{server}/v1", api_key="none", max_retries=0) as client:
        for form in ({}, {"encoding_format": "float"}):  # by itself it asks for base64
            answer = client.embeddings.create(model="toy", input=TEXTS, **form)
            found = np.array([row.embedding for row in answer.data], np.float32)
            np.testing.assert_allclose(found, [wanted[text] for text in TEXTS], atol=1e-6)
        sound = base64.b64encode((folder / "bark.wav").read_bytes()).decode()
        parts: Any = [
            {"type": "image_url", "image_url": {"url": url_of(folder / "red.png")}},
            {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}},
            {"type": "file", "file": {"file_data": url_of(folder / "solid.obj"), "filename": "solid.obj"}},
        ]
        answer = client.embeddings.create(model="toy", input=parts)
        found = np.array([row.embedding for row in answer.data], np.float32)
        names = ("red.png", "bark.wav", "solid.obj")
        np.testing.assert_allclose(found, [wanted[name] for name in names], atol=1e-5)
        assert [model.id for model in client.models.list()] == ["toy"]
        with pytest.raises(openai.NotFoundError, match="send 'toy'"):
            client.embeddings.create(model="text-embedding-3-small", input="red")
        with pytest.raises(openai.UnprocessableEntityError, match="dimensions"):
            client.embeddings.create(model="toy", input="red", dimensions=2)
        with pytest.raises(openai.UnprocessableEntityError, match="check_embedding_ctx_length=False"):
            client.embeddings.create(model="toy", input=[1, 2, 3])


def test_langchain(server: str, wanted: dict[str, Any]) -> None:
    langchain_openai = pytest.importorskip("langchain_openai")
    embeddings = langchain_openai.OpenAIEmbeddings(
        base_url=f"{server}/v1", api_key="none", model="toy", check_embedding_ctx_length=False
    )
    np.testing.assert_allclose(embeddings.embed_documents(TEXTS), [wanted[text] for text in TEXTS], atol=1e-6)
    np.testing.assert_allclose(embeddings.embed_query("red"), wanted["red"], atol=1e-6)


def test_llama_index(server: str, wanted: dict[str, Any]) -> None:
    module = pytest.importorskip("llama_index.embeddings.openai")
    with httpx2.Client() as http:
        embeddings = module.OpenAIEmbedding(model_name="toy", api_base=f"{server}/v1", api_key="none", http_client=http)
        found = embeddings.get_text_embedding_batch(TEXTS)
        np.testing.assert_allclose(found, [wanted[text] for text in TEXTS], atol=1e-6)
        np.testing.assert_allclose(embeddings.get_query_embedding("red"), wanted["red"], atol=1e-6)
