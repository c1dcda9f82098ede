"""The collections of a server. Each is opened at its first request; the model and the thread pools are shared."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Request

from omnisearch.api.service import POOL_SIZES, Kind, OpenEngine, Service
from omnisearch.api.thread_pool import ThreadPool
from omnisearch.config import Settings
from omnisearch.errors import (
    BusyError,
    CollectionNotFoundError,
    NoIndexError,
    OmnisearchError,
    UsageError,
)
from omnisearch.stores.collections import (
    collection_exists,
    create_collection,
    list_collections,
    remove_collection,
    unknown,
)

# Each open collection has an engine's process with its files. The default one stays open and is not counted.
MOST_OPEN = 8
REMOVE_SECONDS = 30.0
POLL_SECONDS = 0.05
T = TypeVar("T")


class Collections:
    """Opens collections, and closes the least recently used ones. Use it from one event loop.

    `default` is the collection of the settings, for requests that name none. It is opened at the start and stays open.
    The folders of the others are on the main server, so a replica opens those that its Qdrant server has.
    """

    def __init__(
        self,
        settings: Settings,
        open_engine: OpenEngine,
        pools: Mapping[Kind, tuple[int, int]] = POOL_SIZES,
        is_replica: bool = False,
    ) -> None:
        self._is_replica = is_replica
        self._pools = {kind: ThreadPool(kind, *size) for kind, size in pools.items()}
        self._open_engine, self._removing = open_engine, set[str]()
        self.default = Service(settings, open_engine, self._pools)
        self._others: dict[str, Service] = {}  # the most recently used one is the last

    async def start(self) -> None:
        """Start to open the default collection. Returns at once."""
        await self.default.start()

    async def stop(self) -> None:
        """Wait for running calls, then close all engines."""
        for kind, pool in self._pools.items():
            if kind != "open":
                await asyncio.to_thread(pool.close)
        for service in (self.default, *self._others.values()):
            await service.close()
        await asyncio.to_thread(self._pools["open"].close)

    @asynccontextmanager
    async def use(self, name: str | None) -> AsyncIterator[Service]:
        """Yield the service of a collection for the length of the block. Opens it, unless it is the default.

        Raises:
            CollectionNotFoundError: there is no collection of that name.
            BusyError: MOST_OPEN collections are in use.
            OmnisearchError: the collection cannot be opened.
        """
        service = self._service(name)
        service.users += 1
        try:
            if service is not self.default:
                await self._open(service)
            yield service
        finally:
            service.users -= 1

    def settings(self, name: str) -> Settings:
        """Return the settings of a collection. A replica returns those of any name.

        Raises:
            CollectionNotFoundError: there is no collection of that name.
        """
        settings = self.default.settings.model_copy(update={"collection": name})
        if self._is_replica:
            return settings
        if name in self._removing or not collection_exists(settings):
            self._others.pop(name, None)
            raise CollectionNotFoundError(unknown(settings))
        return settings

    def names(self) -> list[str]:
        """Return the names of all collections of the data directory."""
        return [name for name in list_collections(self.default.settings) if name not in self._removing]

    def opened(self) -> list[Service]:
        """Return the services whose engines are open, and the default one."""
        return [self.default, *(service for service in self._others.values() if service.is_open)]

    def problems(self) -> dict[str, OmnisearchError | None]:
        """Return, for the default and all used collections, the error why they cannot be searched, or None."""
        return {service.settings.collection: service.problem for service in (self.default, *self._others.values())}

    def queues(self) -> dict[str, tuple[int, int]]:
        """Return, for each kind of call, the number that run or wait in all collections, and its limit."""
        return {kind: (pool.depth, pool.capacity) for kind, pool in self._pools.items()}

    async def work(self, do: Callable[[Settings], T], kind: Kind) -> T:
        """Run a call that needs no index in a thread for calls of that kind.

        Raises:
            BusyError: too many calls wait.
        """
        return await asyncio.shield(self._pools[kind].ask(lambda: do(self.default.settings)))

    def is_full(self, kind: Kind) -> bool:
        """Return whether the queue of a kind of call is full."""
        return self._pools[kind].depth >= self._pools[kind].capacity

    async def create(self, name: str) -> None:
        """Make an empty collection.

        Raises:
            ConflictError: the name is taken.
            UsageError: there are too many collections.
        """
        await asyncio.to_thread(create_collection, self.default.settings.model_copy(update={"collection": name}))

    async def remove(self, name: str) -> None:
        """Remove a collection after the requests that use it are answered. New requests get CollectionNotFoundError.

        Raises:
            UsageError: it is the default one of the server or of the data directory.
            CollectionNotFoundError: no collection has this name.
            BusyError: it is being indexed, or requests still use it after a while.
        """
        settings = self.settings(name)
        if name == self.default.settings.collection:
            raise UsageError(f"the collection {name!r} is the default one of this server, which is not removed")
        self._removing.add(name)
        try:
            await self._close_when_idle(name)
            await asyncio.to_thread(remove_collection, settings)
        finally:
            self._removing.discard(name)

    def _service(self, name: str | None) -> Service:
        if name is None or name == self.default.settings.collection:
            return self.default
        settings = self.settings(name)
        service = self._others.pop(name, None) or Service(settings, self._open_engine, self._pools)
        self._others[name] = service
        return service

    async def _open(self, service: Service) -> None:
        try:
            if not service.is_open:
                await self._make_room()
            await service.open()
        except OmnisearchError as error:
            if self._is_replica:  # the name may be any: keep no service for it
                self._others.pop(service.settings.collection, None)
                if isinstance(error, NoIndexError):
                    raise CollectionNotFoundError(unknown(service.settings)) from None
            raise

    async def _make_room(self) -> None:
        """Close the least recently used collection that is idle if MOST_OPEN are open."""
        opened = [other for other in self._others.values() if other.is_open]
        if len(opened) >= MOST_OPEN:
            idle = next((other for other in opened if other.is_idle), None)
            if idle is None:
                raise BusyError(f"{MOST_OPEN} collections are in use, and no more may be open: try again")
            del self._others[idle.settings.collection]
            await idle.close()

    async def _close_when_idle(self, name: str) -> None:
        service = self._others.get(name)
        if service is None:
            return
        end = time.monotonic() + REMOVE_SECONDS
        while not service.is_idle:
            if time.monotonic() > end:
                raise BusyError(f"requests still use the collection {name!r}: try again when they are answered")
            await asyncio.sleep(POLL_SECONDS)
        self._others.pop(name, None)
        await service.close()


async def _collections(request: Request) -> Collections:
    return cast(Collections, request.app.state.collections)


Served = Annotated[Collections, Depends(_collections)]
