"""schemathesis invents requests, right and wrong ones, from the OpenAPI description: none fails the server.

All its checks run but `max_response_time`, since no test depends on the speed of a machine.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.errors import FlakyStrategyDefinition, Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from omnisearch.api.app import create_app
from omnisearch.config import load_settings
from tests.api.conftest import serving, wait_until_ready
from tests.api.test_end_to_end import FILES, index

# Look at what earlier requests created and deleted, so they need requests that follow from each other.
STATEFUL = {"use_after_free", "ensure_resource_availability"}
# A valid request must be accepted, if the description says all that makes it valid. It cannot say which conditions and
# queries can be read, which cursors belong to a list, and that an idempotency key belongs to one request.
ACCEPTANCE = "positive_data_acceptance"
UNSAID_PARAMETERS = {"where", "q", "cursor", "idempotency-key"}
# Nor which terms exclude each other or cancel out, of which kind a file is, and that a job names a path or an upload.
UNSAID_BODIES = {"/v1/search", "/v1/search/batch", "/v1/locate", "/v1/embeddings", "/v1/uploads", "/v1/jobs"}
# Sends events until a job ends, and no worker runs here.
ENDLESS = "/v1/jobs/{job_id}/events"
KEY = "k" * 40
EXAMPLES = 30  # requests of an operation, right and wrong ones each
SCENARIOS = 20
GENERATED: dict[str, Any] = {"phases": [Phase.generate], "suppress_health_check": list(HealthCheck)}
MAX_REQUEST = 1 << 15  # the server hangs up on an address that is longer than a head may be
load_all_checks()
KEPT = [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name not in {*STATEFUL, ACCEPTANCE}]


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


def checks_of(case: Any) -> list[Any]:
    """The checks that a request and its answer must pass."""
    given = {name.lower() for part in (case.query, case.headers) for name in part or ()}
    unsaid = bool(given & UNSAID_PARAMETERS) or (case.method == "POST" and case.operation.path in UNSAID_BODIES)
    return KEPT if unsaid else [*KEPT, CHECKS.get_one(ACCEPTANCE)]


def attack(url: str, description: Any, examples: int) -> int:
    """Send `examples` right and as many wrong requests of every operation; return how many were sent."""
    sent = 0
    schema = schemathesis.openapi.from_dict(description)
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:

            @settings(max_examples=examples, **GENERATED)
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: Any) -> None:
                nonlocal sent
                assume(len(case.as_curl_command()) < MAX_REQUEST)
                sent += 1
                answer = case.call(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60)
                case.validate_response(answer, checks=checks_of(case))

            with suppress(Unsatisfiable):  # nothing about this operation can be wrong
                send()
    return sent


@pytest.mark.slow
def test_none_of_thousands_of_invented_requests_fails_the_server(served: tuple[str, Any]) -> None:
    assert attack(*served, EXAMPLES) >= 1000


@pytest.mark.slow
def test_what_was_created_is_there_and_what_was_deleted_is_gone(served: tuple[str, Any]) -> None:
    url, description = served
    described = {**description, "paths": {k: v for k, v in description["paths"].items() if k != ENDLESS}}
    reached: set[tuple[str, int]] = set()
    stateful = [CHECKS.get_one(name) for name in STATEFUL]

    class Machine(schemathesis.openapi.from_dict(described).as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"base_url": url, "headers": {"Authorization": f"Bearer {KEY}"}, "timeout": 60}

        def validate_response(self, response: Any, case: Any, *_: Any, **__: Any) -> None:
            reached.add((case.operation.label, response.status_code))
            case.validate_response(response, checks=[*checks_of(case), *stateful], recorder=self.recorder)

    for _ in range(SCENARIOS):
        # The server keeps what earlier scenarios made, so the same beginning may lead elsewhere.
        with suppress(FlakyStrategyDefinition):
            Machine.run(settings=settings(max_examples=4, stateful_step_count=12, **GENERATED))
    # Which requests are made is left to chance, and with it whether something is deleted: any change of the description
    # leads elsewhere. That what is deleted is gone stands in test_uploads.py, test_collections.py and test_items.py.
    assert any(200 <= status < 300 for _, status in reached)
