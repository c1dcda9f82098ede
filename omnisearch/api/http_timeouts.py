"""Timeouts of heads and bodies for uvicorn, which has none of its own."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 5.0
BODY_SECONDS = 60.0


class ImpatientProtocol(H11Protocol):
    """Closes the connection if receiving a head or a body takes too long in total."""

    head_seconds = HEAD_SECONDS
    body_seconds = BODY_SECONDS
    _awaited: type[h11.IDLE] | type[h11.SEND_BODY] | None = None
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer of the first head."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Pass the data to uvicorn, then set the timer of the part that is still missing."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer."""
        self._await(None)
        super().connection_lost(exc)

    def _watch(self) -> None:
        state = self.conn.their_state
        self._await(state if state in (h11.IDLE, h11.SEND_BODY) else None)

    def _await(self, state: type[h11.IDLE] | type[h11.SEND_BODY] | None) -> None:
        if state is self._awaited:
            return  # a byte does not restart the timer of its phase
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if state is not None:
            seconds = self.head_seconds if state is h11.IDLE else self.body_seconds
            self._deadline = self.loop.call_later(seconds, self.transport.abort)
        self._awaited = state
