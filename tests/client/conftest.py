"""A server of scripted answers on a real socket."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from omnisearch.api.app import create_app
from omnisearch.client.blocking import Client
from omnisearch.config import Settings
from omnisearch.stores.base import Payload
from tests.api.conftest import (  # noqa: F401 - fixtures
    IDS,
    ScriptedEngine,
    ToyRenderer,
    payloads,
    renderer,
    serving,
    settings,
    wait_until_ready,
)


@pytest.fixture
def engine(payloads: tuple[Payload, ...]) -> ScriptedEngine:  # noqa: F811
    """With a PDF, which has pages."""
    return ScriptedEngine([replace(p, mime="application/pdf") if p.item_id == IDS["tx"] else p for p in payloads])


@pytest.fixture
def server(engine: ScriptedEngine, renderer: ToyRenderer, settings: Settings) -> Iterator[str]:  # noqa: F811
    """The address of a server that is ready; the warm-up's traces are gone."""
    import httpx2

    app = create_app(settings, engine_factory=lambda _: engine, renderer_factory=lambda _: renderer, reveals=True)
    with serving(app) as port, httpx2.Client(base_url=f"http://127.0.0.1:{port}") as http:
        wait_until_ready(http)
        engine.queries.clear()
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    with Client(server) as opened:
        yield opened
