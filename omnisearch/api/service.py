"""The engine behind the routes: opened in the background, asked from bounded pools of threads."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol, TypeAlias, TypeVar, cast

from fastapi import Depends, Request

from omnisearch.api.thread_pool import ThreadPool
from omnisearch.config import Settings
from omnisearch.errors import BusyError, FingerprintError, NoIndexError, NotReadyError, OmnisearchError
from omnisearch.query import Expression, ItemRef, Query, Term
from omnisearch.search.budget import UNLIMITED, Budget
from omnisearch.search.places import Located
from omnisearch.stores.base import Payload
from omnisearch.types import Answer, Floats, Modality

RETRY_SECONDS = 3.0

Kind: TypeAlias = Literal["search", "batch", "media", "locate", "files", "previews"]
# For each kind of question, the number of threads and the number of questions that may wait. Kinds never wait for each
# other: decoding a query's files takes seconds, locating takes minutes, and a page requests forty previews at once.
POOL_SIZES: Mapping[Kind, tuple[int, int]] = {
    "search": (16, 64),  # as many as the engine answers together
    "batch": (4, 16),
    "media": (4, 16),
    "locate": (1, 4),
    "files": (2, 64),
    "previews": (1, 64),
}

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

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """What it embeds."""
        ...


class Engine(Protocol):
    """What the API asks of `omnisearch.search.engine.Engine`; safe to use from several threads."""

    @property
    def model(self) -> BoundModel:
        """The model of the index."""
        ...

    def search(self, query: Query, budget: Budget = UNLIMITED) -> Answer:
        """Answer a query within a budget."""
        ...

    def search_each(self, asked: Sequence[Query], budget: Budget = UNLIMITED) -> Sequence[Answer | OmnisearchError]:
        """Answer queries together within a budget; a query that is wrong gets its error."""
        ...

    def warm(self, modalities: Iterable[Modality]) -> None:
        """Load the encoders of some modalities."""
        ...

    def embed(self, terms: Sequence[Term], budget: Budget = UNLIMITED) -> Sequence[Floats]:
        """Return the unit vector (dim,) of each term, within a budget."""
        ...

    def locate(self, query: Expression, source: Path | ItemRef, limit: int, budget: Budget) -> Located:
        """Find the places of one file that match, within a budget."""
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

    def __init__(
        self, settings: Settings, open_engine: OpenEngine, pools: Mapping[Kind, tuple[int, int]] = POOL_SIZES
    ) -> None:
        self.settings, self._open_engine = settings, open_engine
        self._pools = {kind: ThreadPool(kind, *size) for kind, size in pools.items()}
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
        for pool in self._pools.values():
            await asyncio.to_thread(pool.close)
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

    def queues(self) -> dict[str, tuple[int, int]]:
        """Return for each kind the number of questions that run or wait, and its limit."""
        return {kind: (pool.depth, pool.capacity) for kind, pool in self._pools.items()}

    async def ask(self, question: Callable[[Engine], T], kind: Kind = "search", seconds: float | None = None) -> T:
        """Ask the engine something in a thread for questions of that kind, and wait no longer than `seconds`.

        Raises:
            BusyError: as many questions wait as may wait, or it took too long.
            OmnisearchError: the engine is not open, or what it raised.
        """
        engine = self.ready()
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(self._pools[kind].ask(lambda: question(engine)))
        except TimeoutError:
            raise BusyError(
                f"the request was stopped after {seconds:g} seconds: send less, shorter files or slices of them, or "
                "try again when the server has less to do"
            ) from None
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
                self._engine = await self._pools["search"].ask(self._open)
            except OmnisearchError as error:
                self._missing = error
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:
                log.exception("the engine cannot be opened")
                self._missing = NotReadyError("the engine cannot be opened; the server's log says why")
                return

    def _open(self) -> Engine:
        engine = self._open_engine(self.settings)
        try:
            engine.search(Query(Term("warm up"), limit=1))
            engine.warm(self.settings.warm)
        except BaseException:
            engine.close()
            raise
        return engine


async def _service(request: Request) -> Service:
    return cast(Service, request.app.state.service)


Asked = Annotated[Service, Depends(_service)]
