"""A store that is opened at its first call, so that a server with a read-only directory can still search."""

import asyncio
import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from omnisearch.api.thread_pool import ThreadPool


class _Closing(Protocol):
    def close(self) -> None: ...


S = TypeVar("S", bound=_Closing)
T = TypeVar("T")


class LazyStore(Generic[S]):
    """Calls a store in its own `threads` threads; `waiting` more calls may wait."""

    def __init__(self, name: str, open_store: Callable[[], S], threads: int, waiting: int) -> None:
        self._pool = ThreadPool(name, threads, waiting)
        self._open_store, self._opening = open_store, threading.Lock()
        self._store: S | None = None

    @property
    def is_open(self) -> bool:
        """True if the store was opened."""
        return self._store is not None

    async def ask(self, call: Callable[[S], T]) -> T:
        """Call the store in a thread. Raises the errors of opening it and of the call.

        Raises:
            BusyError: too many calls wait.
        """
        return await self.do(lambda: call(self.open()))

    async def do(self, call: Callable[[], T]) -> T:
        """Run a call in a thread of the store without opening the store. Raises as `ask`."""
        return await asyncio.shield(self._pool.ask(call))

    def open(self) -> S:
        """Return the store; opens it if necessary."""
        with self._opening:
            if self._store is None:
                self._store = self._open_store()
            return self._store

    async def close(self) -> None:
        """Wait for running calls, and close the store."""
        await asyncio.to_thread(self._pool.close)
        if self._store is not None:
            self._store.close()
