"""A pool of threads for one kind of request, with a bounded queue."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from omnisearch.errors import BusyError

FULL = "too many requests are waiting; try again in a moment"
T = TypeVar("T")


class ThreadPool:
    """Runs calls in threads; use it from one event loop. An abandoned call counts until it ends."""

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self.capacity = self._places = threads + waiting

    @property
    def depth(self) -> int:
        """The number of calls that run or wait."""
        return self.capacity - self._places

    def ask(self, call: Callable[[], T]) -> "asyncio.Future[T]":
        """Run a call in a thread.

        Raises:
            BusyError: too many calls wait.
        """
        if self._places == 0:
            raise BusyError(FULL)
        self._places -= 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, call)
        future.add_done_callback(self._leave)
        return future

    def close(self) -> None:
        """Let running calls finish, and drop waiting ones."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _leave(self, future: "asyncio.Future[T]") -> None:
        self._places += 1
        if not future.cancelled():
            future.exception()  # marks it as handled
