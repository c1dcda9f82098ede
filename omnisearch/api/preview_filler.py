"""Make the previews that are missing in the background, so that they exist before anybody looks."""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Protocol

from omnisearch.api.item_files import ItemFiles
from omnisearch.api.service import SearchEngine, Service
from omnisearch.config import Settings
from omnisearch.errors import MediaError, NotFoundError, OmnisearchError, StoppedError
from omnisearch.media.rendition import Rendition
from omnisearch.paths import find_path
from omnisearch.renditions.kept import KeptRenditions
from omnisearch.search.item_list import ItemPage, Selection
from omnisearch.stores.base import Order, Payload
from omnisearch.types import Modality

NICENESS = 19  # the lowest priority
PAGE = 100  # items
# Seconds between two looks at the number of segments, and until the engine is open.
REST_SECONDS, WAIT_SECONDS = 60.0, 2.0
# The renditions in the order in which they are made, the modalities that get them, and the share of the folder that
# may be full before no more are made: large ones must not crowd out small ones.
STEPS: Sequence[tuple[Rendition, tuple[Modality, ...], float]] = (
    (Rendition.SMALL, tuple(Modality), 1.0),
    (Rendition.LARGE, (Modality.IMAGE, Modality.VIDEO), 0.5),
)

log = logging.getLogger(__name__)


class StoppableRenderer(Protocol):
    """The part of `omnisearch.media` that makes previews, and ends soon after `stopped()` becomes true."""

    def render(self, path: Path, fd: int, rendition: Rendition, stopped: Callable[[], bool]) -> bytes | None:
        """Make a rendition of the file at `path`, which is open as `fd`; None if it has none."""
        ...

    def close(self) -> None:
        """Stop the workers."""
        ...


class Opened(Protocol):
    """The part of `omnisearch.api.collections.Collections` that tells which collections are open."""

    def opened(self) -> list[Service]:
        """Return the services whose engines are open, and the default one."""
        ...


def open_renderer(settings: Settings) -> StoppableRenderer:
    """Return a decoder of low priority. Its process starts with the first file."""
    from omnisearch.media.pool import DecoderPool
    from omnisearch.media.worker_process import Limits

    return DecoderPool(settings, workers=1, limits=Limits(niceness=NICENESS))


class PreviewFiller:
    """Makes missing previews of the open collections, one at a time and at low priority.

    A collection is gone through once, and again when its number of segments has changed. A file without a preview is
    tried once.
    """

    def __init__(
        self,
        settings: Settings,
        collections: Opened,
        kept: KeptRenditions,
        files: ItemFiles,
        open_renderer: Callable[[Settings], StoppableRenderer] = open_renderer,
    ) -> None:
        self._settings, self._collections, self._kept, self._files = settings, collections, kept, files
        self._open_renderer = open_renderer
        self._tried = set[tuple[str, Rendition]]()
        self._filled = dict[str, dict[Modality, int]]()
        self._stopping = threading.Event()
        self._thread = ThreadPoolExecutor(1, "fill", _yield_to_others)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin in the background."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End; a file that is being rendered is given up."""
        self._stopping.set()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await asyncio.to_thread(self._thread.shutdown)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(REST_SECONDS if await self.fill() else WAIT_SECONDS)

    async def fill(self) -> bool:
        """Go through the open collections that have changed; false if one of them could not be read."""
        complete = True
        for service in self._collections.opened():
            try:
                counts = await service.ask(lambda engine: engine.counts(), "lists")
                if counts != self._filled.get(service.settings.collection):
                    with closing(self._open_renderer(self._settings)) as renderer:
                        await self._fill(service, renderer)
                    self._filled[service.settings.collection] = counts
            except OmnisearchError:  # it is not open yet, was closed or has much to do
                complete = False
        return complete

    async def _fill(self, service: Service, renderer: StoppableRenderer) -> None:
        loop = asyncio.get_running_loop()
        for rendition, modalities, share in STEPS:
            async for items in _pages(service, Selection(modalities)):
                make = partial(self._make_all, items, rendition, share, renderer)
                if not await loop.run_in_executor(self._thread, make):
                    break

    def _make_all(
        self, items: Sequence[Payload], rendition: Rendition, share: float, renderer: StoppableRenderer
    ) -> bool:
        """Make the missing previews of some items; false if there is no room for more, or they cannot be kept."""
        for item in items:
            if self._stopping.is_set() or self._kept.is_fuller_than(share):
                return False
            if not rendition.suits(item.modality, item.mime) or (item.item_id, rendition) in self._tried:
                continue
            if not self._kept.has(item.item_id, rendition):
                try:
                    self._make(item, rendition, renderer)
                except StoppedError:
                    return False
                except OSError as error:
                    log.warning("previews cannot be kept: %s", error)
                    return False
        return True

    def _make(self, item: Payload, rendition: Rendition, renderer: StoppableRenderer) -> None:
        try:
            with self._files.open(item) as file:
                made = renderer.render(find_path(item.path), file.fileno(), rendition, self._stopping.is_set)
        except (MediaError, NotFoundError):
            made = None
        if made is None:
            self._tried.add((item.item_id, rendition))
        else:
            self._kept.keep(item.item_id, rendition, made).close()


async def _pages(service: Service, chosen: Selection) -> AsyncIterator[Sequence[Payload]]:
    page = await service.ask(partial(_page, chosen, ""), "lists")
    yield page.items
    while page.next_cursor is not None:
        page = await service.ask(partial(_page, chosen, page.next_cursor), "lists")
        yield page.items


def _page(chosen: Selection, cursor: str, engine: SearchEngine) -> ItemPage:
    return engine.items(chosen, Order(), PAGE, cursor)


def _yield_to_others() -> None:
    with suppress(OSError):  # where threads have no priority of their own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
