"""schemathesis invents requests, right and wrong ones, from the OpenAPI description: none fails the server.

A valid request may still be refused, because a schema does not say which terms cancel out or which conditions can be
read, so the check that all are accepted is left out. test_access sends other credentials.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from omnisearch.api.app import create_app
from omnisearch.config import load_settings
from tests.api.conftest import serving, wait_until_ready
from tests.api.test_end_to_end import FILES, index

LEFT_OUT = {
    "positive_data_acceptance",
    "ignored_auth",
    "max_response_time",
    "use_after_free",
    "ensure_resource_availability",
}
KEY = "k" * 40
SHORT, LONG = 3, 60  # requests of an operation, right and wrong ones each
MAX_REQUEST = 1 << 15  # the server hangs up on an address that is longer than a head may be
load_all_checks()
KEPT = [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name not in LEFT_OUT]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, hashed_model: Path) -> Iterator[tuple[str, Any]]:
    """A server over four files, and the description that it sends."""
    place = tmp_path_factory.mktemp("served")
    folder = place / "collection"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    options = {"data_dir": place / "data", "model": str(hashed_model)}
    index(folder, load_settings(**options))
    app = create_app(load_settings(**options, api_keys=f"all:admin:{KEY}", key_rate=1e6))
    with serving(app) as port, httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
        wait_until_ready(client)
        yield f"http://127.0.0.1:{port}", client.get("/v1/openapi.json").json()


def attack(url: str, description: Any, examples: int) -> int:
    """Send `examples` right and as many wrong requests of every operation; return how many were sent."""
    sent = 0
    schema = schemathesis.openapi.from_dict(description)
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:

            @settings(max_examples=examples, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: Any) -> None:
                nonlocal sent
                assume(len(case.as_curl_command()) < MAX_REQUEST)
                sent += 1
                answer = case.call(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60)
                case.validate_response(answer, checks=KEPT)

            with suppress(Unsatisfiable):  # nothing about this operation can be wrong
                send()
    return sent


def test_no_invented_request_fails_the_server(served: tuple[str, Any]) -> None:
    operations = sum(map(len, served[1]["paths"].values()))
    assert attack(*served, SHORT) >= SHORT * operations


@pytest.mark.slow
def test_none_of_thousands_of_invented_requests_fails_the_server(served: tuple[str, Any]) -> None:
    assert attack(*served, LONG) >= 1000
