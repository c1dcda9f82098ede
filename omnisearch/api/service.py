"""The engine of one collection behind the routes: opened and called in bounded thread pools."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Annotated, Literal, Protocol, TypeAlias, TypeVar

from fastapi import Depends, Request
from fastapi import Query as Parameter

from omnisearch.api.collection_name import CollectionText
from omnisearch.api.thread_pool import ThreadPool
from omnisearch.config import Settings
from omnisearch.errors import BusyError, FingerprintError, NoIndexError, NotReadyError, OmnisearchError
from omnisearch.query.expressions import Expression, ItemRef, Term
from omnisearch.query.query import Query
from omnisearch.search.counts import ItemCounts, Totals
from omnisearch.search.item_list import ItemPage, Selection
from omnisearch.search.item_text import TextPage
from omnisearch.search.locate.results import Located
from omnisearch.search.map import Map
from omnisearch.search.plan.budget import UNLIMITED, Budget
from omnisearch.search.shuffled import Shuffle
from omnisearch.search.suggestions import Suggestions
from omnisearch.stores.base import Order, Payload
from omnisearch.types import Answer, Floats, Modality, Role

RETRY_SECONDS = 3.0

Kind: TypeAlias = Literal["open", "search", "batch", "media", "locate", "lists", "files", "previews", "models"]
# For each kind of call, the number of threads and the number of calls that may wait. Kinds never wait for each
# other: decoding a query's files takes seconds, locating takes minutes, and a page requests forty previews at once.
POOL_SIZES: Mapping[Kind, tuple[int, int]] = {
    "open": (1, 64),  # one at a time: the first loads the model for all
    "search": (16, 64),  # as many as the engine answers together
    "batch": (4, 16),
    "media": (4, 16),
    "locate": (1, 4),
    "lists": (2, 32),
    "files": (2, 64),
    "previews": (4, 64),
    "models": (1, 4),
}

Pools: TypeAlias = Mapping[Kind, ThreadPool]

T = TypeVar("T")
log = logging.getLogger(__name__)


class BoundModel(Protocol):
    """The fields of a model that the API shows."""

    @property
    def name(self) -> str:
        """The name that loads it."""
        ...

    @property
    def dim(self) -> int:
        """The dimension of its vectors."""
        ...

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that it embeds."""
        ...


class SearchEngine(Protocol):
    """The methods of `omnisearch.search.engine.Engine` that the API calls. Safe to use from several threads."""

    @property
    def model(self) -> BoundModel:
        """The model of the index."""
        ...

    def search(self, query: Query, budget: Budget = UNLIMITED) -> Answer:
        """Answer a query within a budget."""
        ...

    def search_each(self, asked: Sequence[Query], budget: Budget = UNLIMITED) -> Sequence[Answer | OmnisearchError]:
        """Answer queries together within a budget; a failed query gets its error."""
        ...

    def warm(self, modalities: Iterable[Modality]) -> None:
        """Load the encoders of some modalities."""
        ...

    def embed(self, terms: Sequence[Term], budget: Budget = UNLIMITED, role: Role = Role.QUERY) -> Sequence[Floats]:
        """Return the unit vector (dim,) of each term, texts in a role, within a budget."""
        ...

    def locate(self, query: Expression, source: Path | ItemRef, limit: int, budget: Budget) -> Located:
        """Find the locations of one file that match, within a budget."""
        ...

    def item(self, item_id: str) -> tuple[Payload, ...]:
        """Return every segment of an item."""
        ...

    def first(self, item_id: str) -> Payload:
        """Return the first segment of an item."""
        ...

    def items(self, chosen: Selection, order: Order | Shuffle, limit: int, cursor: str = "") -> ItemPage:
        """List items in an order, starting after `cursor`."""
        ...

    def text(self, item_id: str, limit: int, cursor: str = "") -> TextPage:
        """Return passages of the text of an item, starting after `cursor`."""
        ...

    def count_items(self, chosen: Selection) -> ItemCounts:
        """Count the items of a selection by modality, type, year and folder."""
        ...

    def suggest(self, typed: str, limit: int) -> Suggestions:
        """Return up to `limit` names, labels and other texts of items that have the typed letters."""
        ...

    def totals(self) -> Totals:
        """Count the items and the segments of each modality."""
        ...

    def outdates(self, kept: Map) -> bool:
        """Return whether the index has changed since a map of it was made."""
        ...

    def counts(self) -> dict[Modality, int]:
        """Return the number of indexed segments of each modality."""
        ...

    def close(self) -> None:
        """Close the index."""
        ...


OpenEngine = Callable[[Settings], SearchEngine]


class Collections(Protocol):
    """The part of `omnisearch.api.collections.Collections` that `Asked` uses."""

    def use(self, name: str | None) -> AbstractAsyncContextManager["Service"]:
        """Yield the service of a collection for the length of the block; the default one if `name` is None."""
        ...


class Service:
    """Holds the engine of one collection. Until the engine is open, every call raises the reason."""

    def __init__(self, settings: Settings, open_engine: OpenEngine, pools: Pools) -> None:
        self.settings, self._open_engine, self._pools = settings, open_engine, pools
        self._engine: SearchEngine | None = None
        self._missing: OmnisearchError = NotReadyError("the engine is opening: the model loads and warms up")
        self._attempt: asyncio.Future[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._is_broken = False
        self._calls = self.users = 0  # `users` are requests that may still call

    async def start(self) -> None:
        """Open the engine in the background, and retry until it opens. Returns at once."""
        self._keeping = asyncio.create_task(self._keep_open())

    async def open(self) -> None:
        """Open the engine if it is not open. Concurrent callers share an attempt.

        Raises:
            OmnisearchError: the engine cannot be opened.
        """
        if self._engine is None:
            if self._attempt is None or self._attempt.done():
                self._attempt = asyncio.ensure_future(self._try_to_open())
                self._attempt.add_done_callback(_seen)
            await asyncio.shield(self._attempt)

    async def close(self) -> None:
        """Close the engine. Running calls fail."""
        if self._keeping is not None:
            self._keeping.cancel()
        if self._attempt is not None and not self._attempt.done():
            await asyncio.wait([self._attempt])
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.to_thread(engine.close)

    @property
    def is_open(self) -> bool:
        """True if the engine is open or is being opened."""
        return self._engine is not None or (self._attempt is not None and not self._attempt.done())

    @property
    def is_idle(self) -> bool:
        """True if no request uses the engine, and no call of an earlier request still runs."""
        return self.users == 0 and self._calls == 0

    @property
    def problem(self) -> OmnisearchError | None:
        """The error why the engine is not open; None if it is open."""
        return None if self._engine is not None else self._missing

    def ready(self) -> SearchEngine:
        """Return the engine.

        Raises:
            OmnisearchError: the engine is not open; the message says what to do.
        """
        if self._engine is None:
            raise self._missing
        return self._engine

    async def ask(self, call: Callable[[SearchEngine], T], kind: Kind = "search", seconds: float | None = None) -> T:
        """Call the engine in a thread for calls of that kind, and wait at most `seconds`.

        Raises:
            BusyError: too many calls wait, or the call took too long.
            OmnisearchError: the engine is not open, or the call failed.
        """
        engine = self.ready()
        try:
            async with asyncio.timeout(seconds):
                answer = self._pools[kind].ask(lambda: call(engine))
                self._calls += 1
                answer.add_done_callback(self._answered)
                return await asyncio.shield(answer)
        except TimeoutError:
            raise BusyError(
                f"the request was stopped after {seconds:g} seconds: send less, shorter files or slices of them, or "
                "try again when the server has less to do"
            ) from None
        except (NoIndexError, FingerprintError) as error:
            self._lose(engine, error)
            raise

    def _answered(self, _: object) -> None:
        self._calls -= 1

    def _lose(self, engine: SearchEngine, error: OmnisearchError) -> None:
        """The index was replaced by one of another model, or removed. Close the engine and open another."""
        if self._engine is engine:
            self._engine, self._missing = None, error
            self._attempt = asyncio.ensure_future(self._open_again(engine))
            self._attempt.add_done_callback(_seen)
            if self._keeping is not None:
                self._keeping = asyncio.create_task(self._keep_open())

    async def _keep_open(self) -> None:
        """Try to open the engine until it works: the index may appear, or be unlocked, while the server runs."""
        while self._engine is None and not self._is_broken:
            with suppress(OmnisearchError):
                await self.open()
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def _open_again(self, lost: SearchEngine) -> None:
        await asyncio.to_thread(lost.close)
        await self._try_to_open()

    async def _try_to_open(self) -> None:
        try:
            self._engine = await self._pools["open"].ask(self._open)
        except OmnisearchError as error:
            if str(error) != str(self._missing):  # it is tried again and again
                log.warning("not ready: %s", error)
            self._missing = error
            raise
        except Exception:
            log.exception("the engine cannot be opened")
            self._is_broken = True
            self._missing = NotReadyError("the engine cannot be opened; the server's log says why")
            raise self._missing from None

    def _open(self) -> SearchEngine:
        engine = self._open_engine(self.settings)
        try:
            engine.search(Query(Term("warm up"), limit=1))
            engine.warm(self.settings.warm)
        except BaseException:
            engine.close()
            raise
        return engine


def _seen(attempt: "asyncio.Future[None]") -> None:
    """Mark the error of an attempt as handled, even if all requests that waited for it were cancelled."""
    if not attempt.cancelled():
        attempt.exception()


async def _asked(
    request: Request,
    collection: Annotated[
        CollectionText | None, Parameter(description="The collection to use; the server's default one if left out.")
    ] = None,
) -> AsyncIterator[Service]:
    collections: Collections = request.app.state.collections
    async with collections.use(collection) as service:
        yield service


Asked = Annotated[Service, Depends(_asked)]
