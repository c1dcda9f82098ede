"""Draining: a stopping server finishes running requests, refuses new ones, and then ends."""

import threading
import time
from http import HTTPStatus
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from omnisearch.api.errors import problem

GRACE_SECONDS = 30
CODE = "stopping"
STOPPING = "the server is stopping: try again after it has restarted"


class RefuseWhileDraining:
    """Answers requests with 503 once `draining` is set, except for /livez, since the process must not be killed yet."""

    def __init__(self, app: ASGIApp, draining: threading.Event) -> None:
        self._app, self._draining = app, draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or not self._draining.is_set() or scope["path"] == "/livez":
            await self._app(scope, receive, send)
            return
        refusal = problem(HTTPStatus.SERVICE_UNAVAILABLE, STOPPING, CODE)
        refusal.headers["Connection"] = "close"
        await refusal(scope, receive, send)


class DrainingServer(uvicorn.Server):
    """Drains on the first signal, for GRACE_SECONDS at most, and stops at once on the second.

    uvicorn alone closes its socket on the first signal, so new requests get no answer while others still run.
    """

    def __init__(self, config: uvicorn.Config, draining: threading.Event, grace: float = GRACE_SECONDS) -> None:
        super().__init__(config)
        self._draining, self._grace, self._deadline = draining, grace, 0.0

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Start to drain, or stop at the second signal."""
        super().handle_exit(sig, frame)
        if not self._draining.is_set():
            self._deadline = time.monotonic() + self._grace
            self._draining.set()
            self.should_exit = False

    async def on_tick(self, counter: int) -> bool:
        """Return whether to stop: no request runs any more, or the time is over."""
        if self._draining.is_set() and (not self.server_state.tasks or time.monotonic() > self._deadline):
            self.should_exit = True
        return await super().on_tick(counter)
