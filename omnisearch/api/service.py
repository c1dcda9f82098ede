"""The engine behind the routes: opened in the background, asked from a bounded pool of threads."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Protocol, TypeVar, cast

from fastapi import Depends, Request

from omnisearch.config import Settings
from omnisearch.errors import BusyError, FingerprintError, NoIndexError, NotReadyError, OmnisearchError
from omnisearch.query import Query, Term
from omnisearch.stores.base import Payload
from omnisearch.types import Answer, Modality

THREADS = 4
QUEUE = 64
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
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="engine")
        self._room = threads + queue
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
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
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

    async def ask(self, question: Callable[[Engine], T]) -> T:
        """Ask the engine something in a thread of the pool.

        Raises:
            BusyError: as many questions wait as may wait.
            OmnisearchError: the engine is not open, or what it raised.
        """
        engine = self.ready()
        if self._room == 0:
            raise BusyError("too many requests are waiting; try again in a moment")
        self._room -= 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, question, engine)
        # A client that hangs up does not free its place: its question still runs.
        future.add_done_callback(self._make_room)
        try:
            return await asyncio.shield(future)
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

    def _make_room(self, future: "asyncio.Future[T]") -> None:
        self._room += 1
        if not future.cancelled():
            future.exception()  # seen, also when nobody waits for it any more

    async def _open_until_ready(self) -> None:
        """Try until it works: the index may be written, or let go by the indexer, while we serve."""
        while self._engine is None:
            try:
                self._engine = await asyncio.get_running_loop().run_in_executor(self._threads, self._open)
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
