"""The kept uploads behind the routes: called in their own threads, and expired at intervals."""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Request

from omnisearch.api.expressions import Upload
from omnisearch.api.lazy_store import LazyStore
from omnisearch.api.replica import OnMain
from omnisearch.api.upload_store import UploadStore
from omnisearch.config import Settings
from omnisearch.errors import OmnisearchError

THREADS, WAITING = 2, 64
EXPIRE_SECONDS = 60.0

T = TypeVar("T")
log = logging.getLogger(__name__)


class KeptUploads:
    """Calls the store of uploads, and deletes expired uploads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = LazyStore("uploads", lambda: UploadStore(settings), THREADS, WAITING)
        self._expiring: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to delete expired uploads at intervals."""
        self._expiring = asyncio.create_task(self._expire())

    async def ask(self, call: Callable[[UploadStore], T]) -> T:
        """Call the store in a thread. Raises the errors of `UploadStore`.

        Raises:
            BusyError: too many calls wait.
        """
        return await self._store.ask(call)

    async def use(self, ids: Collection[str]) -> dict[str, Upload]:
        """Return uploads by their ids; raises as `UploadStore.use`."""
        return await self.ask(lambda store: store.use(ids)) if ids else {}

    async def close(self) -> None:
        """Close the store."""
        if self._expiring is not None:
            self._expiring.cancel()
        await self._store.close()

    async def _expire(self) -> None:
        while True:
            if self._store.is_open or await asyncio.to_thread(self._is_there):
                try:
                    await self.ask(lambda store: store.expire())
                except OmnisearchError as error:
                    log.warning("expired uploads cannot be deleted: %s", error)
            await asyncio.sleep(EXPIRE_SECONDS)

    def _is_there(self) -> bool:
        return UploadStore.exists(self._settings)


async def _uploads(request: Request, _: OnMain) -> KeptUploads:
    return cast(KeptUploads, request.app.state.uploads)


Uploads = Annotated[KeptUploads, Depends(_uploads)]
