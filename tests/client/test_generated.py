"""A client that is generated from docs/openapi.json sends what the server takes and reads what it answers."""

import asyncio
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest

from omnisearch import Client
from tests.api.conftest import IDS
from tests.client.test_operations import DESCRIBED, known, send_all, settings  # noqa: F401 - fixtures

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"
OPTIONS = ("--output-model-type=pydantic_v2.BaseModel", "--formatters=builtin", "--target-python-version=3.11")
# Their answers are bytes or nothing.
WITHOUT_TYPE = {
    "GET /v1/items/{item_id}/content",
    "GET /v1/items/{item_id}/preview",
    "GET /v1/items/{item_id}/frame",
    "GET /v1/items/{item_id}/model.glb",
    "GET /v1/items/{item_id}/page",
    "GET /v1/jobs/{job_id}/events",
    "GET /v1/uploads/{upload_id}/preview",
    "DELETE /v1/uploads/{upload_id}",
    "DELETE /v1/collections/{name}",
    "POST /v1/items/{item_id}/reveal",
}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The types of a client, which take no field that is not described."""
    file = tmp_path_factory.mktemp("generated") / "omnisearch_types.py"
    command = [sys.executable, "-m", "datamodel_code_generator", "--input-file-type=openapi", "--extra-fields=forbid"]
    subprocess.run([*command, *OPTIONS, f"--input={DOCUMENT}", f"--output={file}"], check=True)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # where pydantic resolves its annotations
    spec.loader.exec_module(module)
    return module


def type_of(operation: str, status: int, types: ModuleType) -> Any:
    """The type of the JSON that an operation answers; None if it answers none."""
    method, path = operation.split()
    content = DESCRIBED[path][method.lower()]["responses"][str(status)].get("content", {})
    name = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
    return getattr(types, name) if name else None


@pytest.mark.slow
def test_every_real_answer_is_read(server: str, known: dict[str, str], generated: ModuleType) -> None:  # noqa: F811
    answers: list[httpx2.Response] = []
    with Client(server, collection="default") as client:
        client._http.event_hooks["response"].append(answers.append)
        sent = asyncio.run(send_all(client, known))
        assert len(answers) == len(sent)
        for operation, answer in zip(sent, answers, strict=True):
            kind = type_of(operation, answer.status_code, generated)
            assert (kind is None) == (operation in WITHOUT_TYPE), operation
            if kind is not None:
                assert json.loads(kind.model_validate_json(answer.content).model_dump_json(exclude_unset=True)) == (
                    answer.json()
                ), operation


@pytest.mark.slow
def test_what_it_sends_is_taken_and_refusals_are_read(server: str, generated: ModuleType) -> None:
    asked = generated.SearchIn(
        query=generated.AndIn.model_validate({"and": [{"text": "a dog"}, {"not": {"text": "rain"}}]}),
        modalities=[generated.Modality.image],
        like=[IDS["au"]],
    )
    with httpx2.Client(base_url=server, headers={"Content-Type": "application/json"}) as http:
        answer = http.post("/v1/search", content=asked.model_dump_json(by_alias=True, exclude_unset=True))
        assert [hit.id for hit in generated.SearchOut.model_validate_json(answer.content).hits] == [IDS["im"]]
        refused = http.post("/v1/search", content=b'{"query": {"text": "a dog"}, "colour": "red"}')
        problem = generated.Problem.model_validate_json(refused.content)
    assert (problem.status, problem.code) == (422, "invalid_request")
