"""A store that is opened when it is first asked, so that a server over a read-only directory still searches."""

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
    """Asks a store in `threads` threads of its own; `waiting` more questions may wait."""

    def __init__(self, name: str, open_store: Callable[[], S], threads: int, waiting: int) -> None:
        self._pool = ThreadPool(name, threads, waiting)
        self._open_store, self._opening = open_store, threading.Lock()
        self._store: S | None = None

    @property
    def is_open(self) -> bool:
        """Whether the store was asked before."""
        return self._store is not None

    async def ask(self, question: Callable[[S], T]) -> T:
        """Ask the store in a thread; raises what opening it and the question raise.

        Raises:
            BusyError: as many questions wait as may wait.
        """
        return await self.do(lambda: question(self.open()))

    async def do(self, work: Callable[[], T]) -> T:
        """Do something in a thread of the store that does not ask it; raises as `ask`."""
        return await asyncio.shield(self._pool.ask(work))

    def open(self) -> S:
        """Return the store, which is opened if it is not open."""
        with self._opening:
            if self._store is None:
                self._store = self._open_store()
            return self._store

    async def close(self) -> None:
        """Let the running questions finish, and close the store."""
        await asyncio.to_thread(self._pool.close)
        if self._store is not None:
            self._store.close()
