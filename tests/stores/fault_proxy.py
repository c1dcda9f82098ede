"""A proxy on the loopback that damages the traffic between a client and a server, as networks and servers do."""

import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from itertools import count


class Fault(StrEnum):
    """What happens to a request. BEFORE and AFTER are the moments at which the server has not, or has, received it."""

    LATE = "late"
    RESET_BEFORE = "reset before"
    RESET_AFTER = "reset after"
    CUT_REQUEST = "half of the request arrives"
    CUT_ANSWER = "half of the answer arrives"
    HTTP_503 = "HTTP 503 before"
    HTTP_504 = "HTTP 504 after"
    HTTP_429 = "HTTP 429 before"
    HTTP_429_LATER = "HTTP 429 before, with Retry-After"
    RESTART = "restart"


# Chooses the fault of a request, which is its first line and a hash of all its bytes.
Choose = Callable[[str, int], Fault | None]
LATE_SECONDS, DOWN_SECONDS = 0.02, 0.03
ANSWERS = {
    Fault.HTTP_503: b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy",
    Fault.HTTP_504: b"HTTP/1.1 504 Gateway Timeout\r\ncontent-length: 4\r\n\r\nlate",
    Fault.HTTP_429: b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 4\r\n\r\nbusy",
    Fault.HTTP_429_LATER: b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 4\r\n\r\nbusy",
}
BEFORE = {Fault.HTTP_503, Fault.HTTP_429, Fault.HTTP_429_LATER}


# Enough for a call of several requests, each of which fails twice whenever the call is repeated.
PAUSES = (0.002, 0.01, *[0.05] * 14)


class FaultProxy:
    """Forwards HTTP requests to a server. Each may meet the fault that `choose` returns for it."""

    def __init__(self, server: tuple[str, int], choose: Choose) -> None:
        self.choose, self.met = choose, Counter[Fault]()
        self._server, self._clients = server, set[socket.socket]()
        self._turn, self._restarting = threading.Lock(), threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._listen()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Refuse connections, and reset those that are open."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._turn:
            for client in self._clients:
                reset(client)
            self._clients.clear()

    def restart(self, seconds: float = DOWN_SECONDS) -> None:
        """Stop, and accept connections again after some seconds. Does nothing during another restart."""
        if self._restarting.acquire(blocking=False):
            try:
                self.stop()
                time.sleep(seconds)
                self._listener = socket.create_server(("127.0.0.1", self.port))
                self._listen()
            finally:
                self._restarting.release()

    def close(self) -> None:
        """Stop for good, after a restart that is going on."""
        self._restarting.acquire()
        self.stop()

    def _listen(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # it is closed
            while True:
                client, _ = listener.accept()
                with self._turn:
                    self._clients.add(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            while request := read_message(client):
                fault = self.choose(request.split(b"\r\n", 1)[0].decode(), hash(request))
                if fault is not None:
                    self.met[fault] += 1
                if not self._answer(client, request, fault):
                    break
        with self._turn:
            self._clients.discard(client)
        reset(client)

    def _answer(self, client: socket.socket, request: bytes, fault: Fault | None) -> bool:
        """Answer a request. Returns whether the connection stays open."""
        if fault is Fault.RESTART:
            self.restart()
            return False
        if fault in BEFORE:
            client.sendall(ANSWERS[fault])
            return True
        if fault is Fault.RESET_BEFORE:
            return False
        if fault is Fault.LATE:
            time.sleep(LATE_SECONDS)
        with self._turn:  # a server that restarts finishes no request of a connection that was reset
            if client not in self._clients:
                return False
            answer = self._forward(request[: len(request) // 2] if fault is Fault.CUT_REQUEST else request)
        if fault is Fault.CUT_ANSWER:
            client.sendall(answer[: len(answer) // 2])
        elif fault in ANSWERS:
            client.sendall(ANSWERS[fault])
        elif fault not in {Fault.RESET_AFTER, Fault.CUT_REQUEST}:
            client.sendall(answer)
        return fault not in {Fault.RESET_AFTER, Fault.CUT_REQUEST, Fault.CUT_ANSWER}

    def _forward(self, request: bytes) -> bytes:
        with socket.create_connection(self._server) as server:
            server.sendall(request)
            server.shutdown(socket.SHUT_WR)
            return read_message(server)


def reset(sock: socket.socket) -> None:
    """Close a connection so that the other side gets a reset, not an end."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.shutdown(socket.SHUT_RD)  # wakes a thread that reads
    sock.close()


def read_message(sock: socket.socket) -> bytes:
    """Read a request or an answer with a body of a known length; empty at the end of the stream."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (part := sock.recv(1 << 16)):
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    found = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    missing = (int(found[1]) if found else 0) - len(body)
    while missing > 0:
        if not (part := sock.recv(1 << 16)):
            return b""
        data += part
        missing -= len(part)
    return data


def no_fault(line: str, request: int) -> None:
    """Choose no fault."""


def in_turn(faults: Sequence[Fault | None], most: int = 2) -> Choose:
    """Choose faults in turn. A request that met `most` of them since it last succeeded is spared."""
    places, failed, lock = count(), Counter[int](), threading.Lock()

    def choose(line: str, request: int) -> Fault | None:
        with lock:
            fault = faults[next(places) % len(faults)] if failed[request] < most else None
            failed[request] = failed[request] + 1 if fault is not None else 0
            return fault

    return choose


@contextmanager
def damaging(url: str, choose: Choose) -> Iterator[FaultProxy]:
    """Run a proxy in front of the server at `url`."""
    host, _, port = url.removeprefix("http://").partition(":")
    proxy = FaultProxy((host, int(port)), choose)
    try:
        yield proxy
    finally:
        proxy.close()
