"""The engine behind the routes: opened in the background, asked from bounded pools of threads."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Protocol, TypeVar, cast

from fastapi import Depends, Request

from omnisearch.api.room import Room
from omnisearch.config import Settings
from omnisearch.errors import FingerprintError, NoIndexError, NotReadyError, OmnisearchError
from omnisearch.query import Expression, ItemRef, Query, Term
from omnisearch.search.places import Located
from omnisearch.stores.base import Payload
from omnisearch.types import Answer, Modality

THREADS = 4
QUEUE = 64
# Looking through a film takes minutes and all cores: one at a time, and never in the way of a search.
LONG_QUEUE = 4
RETRY_SECONDS = 3.0

T = TypeVar("T")
log = logging.getLogger(__name__)


class BoundModel(Protocol):
    """What the API tells of a model."""

    @property
    def name(self) -> str:
        """The name it is loaded by."""
        ...

    @property
    def dim(self) -> int:
        """The width of its vectors."""
        ...


class Engine(Protocol):
    """What the API asks of `omnisearch.search.engine.Engine`; safe to use from several threads."""

    @property
    def model(self) -> BoundModel:
        """The model of the index."""
        ...

    def search(self, query: Query) -> Answer:
        """Answer a query."""
        ...

    def locate(self, query: Expression, source: Path | ItemRef, limit: int, stopped: Callable[[], bool]) -> Located:
        """Find the places of one file that match, unless it is stopped."""
        ...

    def item(self, item_id: str) -> tuple[Payload, ...]:
        """Return every segment of an item."""
        ...

    def counts(self) -> dict[Modality, int]:
        """How many segments of each modality are indexed."""
        ...

    def close(self) -> None:
        """Let go of the index."""
        ...


OpenEngine = Callable[[Settings], Engine]


class Service:
    """Holds the engine. Until it is open, every question is answered with what is missing."""

    def __init__(self, settings: Settings, open_engine: OpenEngine, threads: int = THREADS, queue: int = QUEUE) -> None:
        self._settings, self._open_engine = settings, open_engine
        self._short, self._long = Room("engine", threads, queue), Room("long", 1, LONG_QUEUE)
        self._engine: Engine | None = None
        self._missing: OmnisearchError = NotReadyError("the engine is opening: the model loads and warms up")
        self._opening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to open the engine; returns at once."""
        self._opening = asyncio.create_task(self._open_until_ready())

    async def stop(self) -> None:
        """Let running questions finish, then close the engine."""
        if self._opening is not None:
            self._opening.cancel()
        for room in (self._short, self._long):
            await asyncio.to_thread(room.close)
        if self._engine is not None:
            await asyncio.to_thread(self._engine.close)

    def ready(self) -> Engine:
        """Return the engine.

        Raises:
            OmnisearchError: why it is not open; the message says what to do.
        """
        if self._engine is None:
            raise self._missing
        return self._engine

    async def ask(self, question: Callable[[Engine], T], long: bool = False) -> T:
        """Ask the engine something in a thread; what takes `long` has one of its own.

        Raises:
            BusyError: as many questions wait as may wait.
            OmnisearchError: the engine is not open, or what it raised.
        """
        engine = self.ready()
        room = self._long if long else self._short
        try:
            return await asyncio.shield(room.ask(lambda: question(engine)))
        except (NoIndexError, FingerprintError) as error:
            self._lose(engine, error)
            raise

    def _lose(self, engine: Engine, error: OmnisearchError) -> None:
        """The engine found no index of its model in the place of one that is gone: let it go, and wait for one."""
        if self._engine is engine:
            self._engine, self._missing = None, error
            self._opening = asyncio.create_task(self._open_again(engine))

    async def _open_again(self, lost: Engine) -> None:
        await asyncio.to_thread(lost.close)
        await self._open_until_ready()

    async def _open_until_ready(self) -> None:
        """Try until it works: the index may be written, or let go by the indexer, while we serve."""
        while self._engine is None:
            try:
                self._engine = await self._short.ask(self._open)
            except OmnisearchError as error:
                self._missing = error
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                log.exception("the engine cannot be opened")
                self._missing = NotReadyError("the engine cannot be opened; the server's log says why")
                return

    def _open(self) -> Engine:
        engine = self._open_engine(self._settings)
        try:
            engine.search(Query(Term("warm up"), limit=1))
        except BaseException:
            engine.close()
            raise
        return engine


def _service(request: Request) -> Service:
    return cast(Service, request.app.state.service)


Asked = Annotated[Service, Depends(_service)]
