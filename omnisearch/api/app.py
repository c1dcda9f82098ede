"""The FastAPI application."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from functools import cache

from fastapi import APIRouter, Depends, FastAPI
from starlette.routing import BaseRoute

from omnisearch import __version__
from omnisearch.api.accepted_keys import AcceptedKeys
from omnisearch.api.access import Access
from omnisearch.api.authority import LOOPBACK
from omnisearch.api.collections import Collections
from omnisearch.api.drain import RefuseWhileDraining
from omnisearch.api.engines import Engines
from omnisearch.api.errors import handle_errors
from omnisearch.api.fetch import Fetcher
from omnisearch.api.headers import SecurityHeaders
from omnisearch.api.idempotency import StoredAnswers
from omnisearch.api.item_files import ItemFiles
from omnisearch.api.job_table import JobTable
from omnisearch.api.kept_uploads import KeptUploads
from omnisearch.api.metrics import Metrics
from omnisearch.api.openapi import describe_problems
from omnisearch.api.overload import RefuseWhenFull
from omnisearch.api.parameters import known_parameters
from omnisearch.api.placeholders import Placeholders
from omnisearch.api.preview_filler import PreviewFiller
from omnisearch.api.rate import RateLimits
from omnisearch.api.recorder import Recorder
from omnisearch.api.renditions import Renderer, Renditions
from omnisearch.api.request_guard import MAX_BODY_BYTES, MAX_HELD_BYTES, RequestGuard
from omnisearch.api.routes import collections as collection_routes
from omnisearch.api.routes import (
    embeddings,
    health,
    items,
    jobs,
    library,
    locate,
    metrics,
    models,
    renditions,
    search,
    stats,
    status,
    upload_renditions,
    uploads,
)
from omnisearch.api.routes import map as map_routes
from omnisearch.api.routes.page import page_routes
from omnisearch.api.service import POOL_SIZES, OpenEngine
from omnisearch.api.storage import StorageMeter
from omnisearch.config import Settings
from omnisearch.renditions.kept import KeptRenditions

OPENAPI_PATH = "/v1/openapi.json"
# The only paths that need no key; none of them reveals anything about the index.
PUBLIC = frozenset({"/livez", "/readyz", OPENAPI_PATH})


def create_app(
    settings: Settings,
    engine_factory: OpenEngine | None = None,
    renderer_factory: Callable[[Settings], Renderer] | None = None,
    hosts: Collection[str] = LOOPBACK,
    max_body_bytes: int = MAX_BODY_BYTES,
    max_held_bytes: int = MAX_HELD_BYTES,
    own_secret: str | None = None,
    fills_previews: bool = False,
    reveals: bool = False,
    is_replica: bool = False,
) -> FastAPI:
    """Build the app. The engine opens in the background after the start, so that probes are answered at once.

    `hosts` are the names that the server answers to, without ports.
    `max_body_bytes` limits one request body, `max_held_bytes` those of all unanswered requests together.
    `own_secret` is a key with which commands on this machine may search.
    `fills_previews` makes missing previews in the background.
    `reveals` is true if the server listens on loopback only, and so may show folders on this machine.
    `is_replica` makes a server that only searches an index in a Qdrant server; requests that need the data directory
    of the index are refused.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engines = Engines()
        collections = Collections(settings, engine_factory or engines.open, is_replica=is_replica)
        renderer = (renderer_factory or _open_renderer)(settings)
        kept = KeptRenditions(settings)
        renditions, app.state.placeholders = Renditions(kept, renderer), Placeholders(kept)
        app.state.collections, app.state.renditions, app.state.files = collections, renditions, ItemFiles()
        await collections.start()
        if not is_replica:
            await app.state.uploads.start()
        filler = PreviewFiller(settings, collections, kept, app.state.files)
        if fills_previews:
            filler.start()
        yield
        await filler.stop()
        await collections.stop()
        await asyncio.to_thread(engines.close)
        await app.state.uploads.close()
        await app.state.answers.close()
        await app.state.jobs.close()
        renditions.close()

    # No /docs: FastAPI's own pages load from a CDN.
    app = FastAPI(
        title="omnisearch",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI_PATH,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # otherwise looked up in every request
    )
    handle_errors(app)
    describe_problems(app)
    app.state.metrics, app.state.fetcher = Metrics(), Fetcher(settings.fetch_urls)
    app.state.draining, app.state.is_replica = threading.Event(), is_replica
    app.state.storage, app.state.reveals, app.state.max_body_bytes = StorageMeter(), reveals, max_body_bytes
    app.state.answers = StoredAnswers(settings)
    app.state.uploads = KeptUploads(settings)
    app.state.jobs = JobTable(settings, app.state.draining)
    # The last one added handles a request first.
    app.add_middleware(RefuseWhenFull, full=lambda: app.state.collections.is_full("search"))
    page = page_routes()
    public, limits = PUBLIC.union(route.path for route in page), RateLimits(settings.key_rate)
    app.add_middleware(Access, keys=AcceptedKeys(settings, own_secret), limits=limits, public=public)
    app.add_middleware(RefuseWhileDraining, draining=app.state.draining)
    app.add_middleware(RequestGuard, hosts=hosts, max_bytes=max_body_bytes, max_held=max_held_bytes)
    app.add_middleware(Recorder, metrics=app.state.metrics, log_queries=settings.log_queries)
    app.add_middleware(SecurityHeaders)
    app.router.routes.extend([*_api_routes(), *page])
    return app


@cache
def _api_routes() -> list[BaseRoute]:
    """Return the routes of the API. All apps of a process share them, because FastAPI takes 0.15 s to build them."""
    everything = APIRouter(dependencies=[Depends(known_parameters)])
    asking = (search, embeddings, locate, items, renditions, uploads, upload_renditions, jobs, library)
    parts = (health, metrics, *asking, stats, map_routes, status, collection_routes, models)
    for router in (*(part.router for part in parts), collection_routes.changes, items.changes, models.checks):
        everything.include_router(router)
    return everything.routes


def _open_renderer(settings: Settings) -> Renderer:
    from omnisearch.media.pool import DecoderPool
    from omnisearch.media.worker_process import Limits

    threads, _ = POOL_SIZES["previews"]
    # Searches, and previews that exist, come before previews that are made.
    return DecoderPool(settings, workers=min(threads, settings.workers), limits=Limits(niceness=5))
