"""The worker process: one embedded engine, shared by every omnisearch process of a user on one directory.

    python -P -m omnisearch.stores.edge_worker DIRECTORY SECONDS

It writes one JSON line to stdout: the address where it listens, or an error. It ends when it has had no client for
SECONDS. A client counts from accept to the end of its stream, even if it is killed. The worker greets each client that
it accepts; a client without a greeting came too late, and starts the next worker.
"""

import fcntl
import gc
import hashlib
import json
import os
import select
import socket
import stat
import sys
import tempfile
import threading
import time
import traceback
from pathlib import Path
from typing import IO, Any

from omnisearch.errors import OmnisearchError, StoreError
from omnisearch.wire import Message, WireError, receive, send

LOCK_PATIENCE_SECONDS = 20.0
LOCK_FILE = "worker.lock"
LOG_FILE = "worker.log"
# Raise it when the requests or answers change: a client of another version must not use this worker.
PROTOCOL = 4
MAX_LOG_BYTES = 1 << 20
MAX_REQUEST_BYTES = 1 << 30
# sockaddr_un holds 108 bytes on Linux and 104 on macOS.
MAX_SOCKET_PATH = 100
# New objects after which Python looks for cycles among them. Points are many objects without a cycle: by default, the
# search for cycles takes a fifth of the time in which they are read.
GARBAGE = 100_000


def main() -> None:
    """Leave the client's session, lock the directory, and serve."""
    directory, linger = Path(sys.argv[1]).resolve(), float(sys.argv[2])
    if os.fork():
        os._exit(0)
    os.setsid()
    os.umask(0o077)
    try:
        lock = own_directory(directory)
        listener = listen(directory)
        publish(lock, listener.getsockname())
    except (OSError, OmnisearchError) as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        return
    sys.stdout.write(json.dumps({"socket": listener.getsockname()}) + "\n")
    sys.stdout.flush()
    turn_to_log(directory)
    serve(directory, listener, linger)


def own_directory(directory: Path) -> IO[str]:
    """Lock the directory for the life of this process. Waits for a worker that is about to end.

    Raises:
        StoreError: another worker holds the lock; the message has its process id.
    """
    handle = (directory / LOCK_FILE).open("a+", encoding="utf-8")
    deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                handle.seek(0)
                raise StoreError(f"{directory} is held by a worker that cannot be reached: {handle.read()}") from None
            time.sleep(0.05)
        else:
            handle.truncate(0)
            return handle


def listen(directory: Path) -> socket.socket:
    """Listen on a socket in a directory that only this user can enter, named by a hash of the data directory.

    Raises:
        StoreError: a directory of another user has this name.
    """
    name = socket_name(directory)
    path = _runtime_directory(len(name)) / name
    path.unlink(missing_ok=True)  # this process has the lock, so the maker of the socket has ended
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(128)
    return listener


def socket_name(directory: Path) -> str:
    """Return the name of the socket of the worker of a directory, whose path has no links."""
    return hashlib.sha256(os.fsencode(directory)).hexdigest()[:24] + ".sock"


def check_private(path: Path) -> None:
    """Check that no other user owns or may write a path.

    Raises:
        StoreError: another user does; the message has the path and its owner.
    """
    found = path.lstat()
    if found.st_uid != os.geteuid() or stat.S_ISLNK(found.st_mode) or found.st_mode & 0o022:
        raise StoreError(
            f"{path} belongs to user {found.st_uid} with mode {stat.filemode(found.st_mode)}: it must be user "
            f"{os.geteuid()}'s alone; remove it, or set XDG_RUNTIME_DIR to a directory of your own"
        )


def publish(lock: IO[str], path: str) -> None:
    """Write the address of this worker into the locked file."""
    lock.write(json.dumps({"pid": os.getpid(), "socket": path, "protocol": PROTOCOL}))
    lock.flush()


def turn_to_log(directory: Path) -> None:
    """Redirect stdout and stderr to the log. A log that has grown too large is emptied."""
    path = directory / LOG_FILE
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.replace(path.with_suffix(".log.old"))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)


def serve(directory: Path, listener: socket.socket, linger: float) -> None:
    """Accept clients until there has been none for `linger` seconds."""
    from omnisearch.stores.edge_engine import EdgeEngine

    gc.set_threshold(GARBAGE)
    service = EngineService(EdgeEngine(directory))
    while service.idle_seconds() < linger:
        ready, _, _ = select.select([listener], [], [], 0.1)
        if ready:
            client, _ = listener.accept()
            service.welcome(client)
    path = Path(listener.getsockname())
    listener.close()
    path.unlink(missing_ok=True)
    service.engine.close()


class EngineService:
    """The clients of one engine: a thread each, one request at a time among them."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._clients = 0
        self._left = time.monotonic()

    def idle_seconds(self) -> float:
        """The time in seconds without a client."""
        with self._counting:
            return 0.0 if self._clients else time.monotonic() - self._left

    def welcome(self, client: socket.socket) -> None:
        """Serve a client in its own thread."""
        with self._counting:
            self._clients += 1
        threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client:
                send(client, Message({"pid": os.getpid()}))
                while (request := receive(client, MAX_REQUEST_BYTES)) is not None:
                    send(client, self._answer(request))
        except WireError:
            pass  # the client was killed, or is another program
        finally:
            with self._counting:
                self._clients -= 1
                self._left = time.monotonic()

    def _answer(self, request: Message) -> Message:
        try:
            with self._turn:
                answer: Message = self.engine.answer(request)
        except OmnisearchError as error:
            traceback.print_exc()
            return Message({"error": type(error).__name__, "message": str(error)})
        return answer


def _runtime_directory(length: int) -> Path:
    """Return the first of the usual directories with a path short enough for a socket, made private."""
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108
        path = Path(base or "/nowhere") / f"omnisearch-{os.geteuid()}"
        if path.parent.is_dir() and len(os.fsencode(path)) + 1 + length <= MAX_SOCKET_PATH:
            path.mkdir(mode=0o700, exist_ok=True)
            check_private(path)
            return path
    raise StoreError("no directory is short enough for a socket: set XDG_RUNTIME_DIR to one")


if __name__ == "__main__":
    main()
