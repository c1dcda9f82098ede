"""A connection to the worker process of one directory. Starts the worker if there is none."""

import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from omnisearch import errors
from omnisearch.errors import OmnisearchError, StoreError
from omnisearch.stores.edge_worker import LOCK_FILE, LOG_FILE, PROTOCOL, check_private, socket_name
from omnisearch.types import Floats
from omnisearch.wire import Message, WireError, WireTimeoutError, receive, send

START_SECONDS = 60.0
ANSWER_SECONDS = 600.0
# How long a worker waits for another client. Starting one takes half a second.
LINGER_SECONDS = 2.0
MAX_ANSWER_BYTES = 4 << 30


class EdgeLink:
    """One client of the worker of `directory`. Safe to call from several threads; connects on first use."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self._socket_name = socket_name(directory.resolve())
        self._turn = threading.Lock()
        self._sock: socket.socket | None = None
        self._owner = 0

    def ask(self, body: Mapping[str, Any], arrays: Mapping[str, Floats] | None = None) -> Message:
        """Send one request and return the answer. If the engine's process dies, send it once more to a new process.

        Every request may be repeated: writes name their points by id, and the engine flushes each before it answers.
        So acknowledged writes are durable.

        Raises:
            StoreError: the engine failed, did not answer, or died twice; the next call starts a new one.
            NoIndexError: no such collection.
        """
        request = Message(body, arrays or {})
        with self._turn:
            try:
                answer = self._exchange(request)
            except WireTimeoutError as error:
                raise self._lost(body, error) from error
            except WireError:
                try:
                    answer = self._exchange(request)
                except WireError as error:
                    raise self._lost(body, error) from error
        if "error" in answer.body:
            raise _error(answer.body)
        return answer

    def _exchange(self, request: Message) -> Message:
        sock = self._connected()
        try:
            send(sock, request)
            answer = receive(sock, MAX_ANSWER_BYTES)
            if answer is None:
                raise WireError("it closed the stream")
        except WireError:
            self._drop()
            raise
        return answer

    def _lost(self, body: Mapping[str, Any], error: WireError) -> StoreError:
        return StoreError(
            f"the engine's process for {self.directory} died or hung during {body.get('do')!r} ({error}): "
            f"acknowledged writes are safe; see {self.directory / LOG_FILE} and the free disk space; "
            f"if it happens again, run `omnisearch repair`"
        )

    def close(self) -> None:
        """Disconnect from the worker, which ends after its last client."""
        with self._turn:
            self._drop()

    def _drop(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _connected(self) -> socket.socket:
        if self._owner != os.getpid():
            self._drop()  # a forked child must not use its parent's stream
        if self._sock is None:
            self._sock = self._connect() or self._start()
            self._owner = os.getpid()
        return self._sock

    def _connect(self) -> socket.socket | None:
        """Connect to a running worker. Returns None if there is none, or if it is about to end."""
        try:
            worker = json.loads((self.directory / LOCK_FILE).read_text(encoding="utf-8"))
            path = Path(worker["socket"])
            if path.name != self._socket_name:
                return None  # the directory was copied, and that worker has the original open
            check_private(path.parent)
            check_private(path)
        except (FileNotFoundError, ValueError, KeyError):
            return None
        except OSError as error:
            raise StoreError(f"the index in {self.directory} cannot be opened: {error}") from error
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(ANSWER_SECONDS)
        with suppress(OSError, WireError):
            sock.connect(str(path))
            if receive(sock, 0) is not None:
                if worker.get("protocol") == PROTOCOL:
                    return sock
                sock.close()
                raise StoreError(
                    f"another version of omnisearch has {self.directory} open by its process {worker['pid']}: "
                    f"restart the server or end the command that uses it, and try again"
                )
        sock.close()
        return None

    def _start(self) -> socket.socket:
        """Start the worker unless another client is doing so, and connect to it."""
        deadline = time.monotonic() + START_SECONDS
        make_directory(self.directory)
        with self._start_lock() as lock:
            while time.monotonic() < deadline:
                if (sock := self._connect()) is not None:
                    return sock
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    time.sleep(0.02)
                else:
                    self._spawn()
        raise StoreError(f"no engine came up for {self.directory} in {START_SECONDS:.0f} s; see {LOG_FILE} there")

    def _start_lock(self) -> Any:
        try:
            return (self.directory / "start.lock").open("a", encoding="utf-8")
        except OSError as error:
            raise StoreError(
                f"{self.directory} cannot be written: {error}; the embedded engine needs to write even to search"
            ) from error

    def _spawn(self) -> None:
        line, complaint = start_worker(self.directory, LINGER_SECONDS)
        try:
            said = json.loads(line)
        except ValueError:
            said = {"error": line + complaint}
        if "socket" not in said:
            raise StoreError(f"the engine for {self.directory} did not start: {said['error']}")


def start_worker(directory: Path, linger_seconds: float) -> tuple[str, str]:
    """Start a worker process in its own session. Returns its output on stdout and stderr."""
    # -P and cwd: a file in the indexed folder must not be imported instead of a module.
    module = "omnisearch.stores.edge_worker"
    command = [sys.executable, "-P", "-m", module, str(directory), str(linger_seconds)]
    started = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return started.stdout.decode(errors="replace"), started.stderr.decode(errors="replace")


def make_directory(directory: Path) -> Path:
    """Make the directory of an index if it is missing, and return it.

    Raises:
        StoreError: the directory cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the index cannot be kept in {directory}: {error}") from error
    return directory


def _error(body: Mapping[str, Any]) -> OmnisearchError:
    kind = getattr(errors, body["error"], StoreError)
    error: OmnisearchError = kind(body["message"])
    return error
