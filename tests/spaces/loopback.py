"""HTTP servers on the loopback that give files, for the tests of pulls."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class LoopbackServer(ThreadingHTTPServer):
    """A server on a free port; `cut` is the length after which an answer breaks off."""

    daemon_threads = True

    def __init__(self, handler: type[BaseHTTPRequestHandler], content: bytes, tag: str) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.content, self.tag = content, tag
        self.cut: int | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @contextmanager
    def running(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Answer requests in a thread; no proxy is used for them."""
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        with self:
            thread.start()
            yield
            self.shutdown()
            thread.join()
