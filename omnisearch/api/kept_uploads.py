"""The kept uploads behind the routes: asked in threads of their own, and expired at intervals."""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Request

from omnisearch.api.expressions import Upload
from omnisearch.api.thread_pool import ThreadPool
from omnisearch.api.upload_store import UploadStore
from omnisearch.config import Settings
from omnisearch.errors import OmnisearchError

THREADS, WAITING = 2, 64
EXPIRE_SECONDS = 60.0

T = TypeVar("T")
log = logging.getLogger(__name__)


class KeptUploads:
    """Opens the store when it is first asked, so that a server over a read-only directory still searches."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._pool = settings, ThreadPool("uploads", THREADS, WAITING)
        self._opening = threading.Lock()
        self._store: UploadStore | None = None
        self._expiring: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to delete expired uploads at intervals."""
        self._expiring = asyncio.create_task(self._expire())

    async def ask(self, question: Callable[[UploadStore], T]) -> T:
        """Ask the store in a thread; raises as `UploadStore` does.

        Raises:
            BusyError: as many questions wait as may wait.
        """
        return await asyncio.shield(self._pool.ask(lambda: question(self._open())))

    async def use(self, ids: Collection[str]) -> dict[str, Upload]:
        """Return uploads by their ids; raises as `UploadStore.use`."""
        return await self.ask(lambda store: store.use(ids)) if ids else {}

    async def close(self) -> None:
        """Let go of the store."""
        if self._expiring is not None:
            self._expiring.cancel()
        await asyncio.to_thread(self._pool.close)
        if self._store is not None:
            self._store.close()

    async def _expire(self) -> None:
        while True:
            if self._store is not None or await asyncio.to_thread(self._is_there):
                try:
                    await self.ask(lambda store: store.expire())
                except OmnisearchError as error:
                    log.warning("expired uploads cannot be deleted: %s", error)
            await asyncio.sleep(EXPIRE_SECONDS)

    def _is_there(self) -> bool:
        return UploadStore.exists(self._settings)

    def _open(self) -> UploadStore:
        with self._opening:
            if self._store is None:
                self._store = UploadStore(self._settings)
            return self._store


async def _uploads(request: Request) -> KeptUploads:
    return cast(KeptUploads, request.app.state.uploads)


Uploads = Annotated[KeptUploads, Depends(_uploads)]
