"""The FastAPI application."""

import threading
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

from fastapi import FastAPI

from omnisearch import __version__
from omnisearch.api.authority import LOOPBACK
from omnisearch.api.drain import RefuseWhileDraining
from omnisearch.api.errors import handle_errors
from omnisearch.api.guard import MAX_BODY_BYTES, MAX_HELD_BYTES, Guard
from omnisearch.api.headers import SecurityHeaders
from omnisearch.api.item_files import ItemFiles
from omnisearch.api.previews import Previews, Renderer
from omnisearch.api.routes import embeddings, health, items, locate, search, status
from omnisearch.api.routes.page import page_routes
from omnisearch.api.service import Engine, OpenEngine, Service
from omnisearch.config import Settings


def create_app(
    settings: Settings,
    engine_factory: OpenEngine | None = None,
    renderer_factory: Callable[[Settings], Renderer] | None = None,
    hosts: Collection[str] = LOOPBACK,
    max_body_bytes: int = MAX_BODY_BYTES,
    max_held_bytes: int = MAX_HELD_BYTES,
) -> FastAPI:
    """Build the app. The engine opens in the background once it runs, so that the probes answer at once.

    `hosts` are the names it answers to, without ports.
    `max_body_bytes` is for one request body, `max_held_bytes` for those of all unanswered requests together.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = Service(settings, engine_factory or _open_engine)
        previews = Previews(settings.data_dir / "previews", (renderer_factory or _open_renderer)(settings))
        app.state.service, app.state.previews, app.state.files = service, previews, ItemFiles()
        await service.start()
        yield
        await service.stop()
        previews.close()

    # No /docs: FastAPI's own pages load from a CDN.
    app = FastAPI(
        title="omnisearch",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    handle_errors(app)
    app.state.draining = threading.Event()
    app.add_middleware(RefuseWhileDraining, draining=app.state.draining)
    app.add_middleware(Guard, hosts=hosts, max_bytes=max_body_bytes, max_held=max_held_bytes)
    app.add_middleware(SecurityHeaders)
    for part in (health, search, embeddings, locate, items, status):
        app.include_router(part.router)
    app.router.routes.extend(page_routes())
    return app


def _open_engine(settings: Settings) -> Engine:
    from omnisearch.search.engine import Engine

    return Engine.open(settings)


def _open_renderer(settings: Settings) -> Renderer:
    from omnisearch.media.pool import DecoderPool

    return DecoderPool(settings, workers=1)
