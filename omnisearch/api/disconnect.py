"""Disconnects: notice that a client has hung up while its request runs."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request


@asynccontextmanager
async def disconnected(request: Request) -> AsyncIterator[threading.Event]:
    """Yield an event that is set when the client hangs up or the block ends.

    Threads that still work for the request check the event and stop.
    """
    gone = threading.Event()

    async def listen() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone.set()

    listener = asyncio.create_task(listen())
    try:
        yield gone
    finally:
        gone.set()
        listener.cancel()
