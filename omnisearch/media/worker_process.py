"""One sandboxed process, such as a decoder, and the socket to it."""

import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeAlias

from omnisearch import wire
from omnisearch.errors import MediaError, Reason
from omnisearch.media import sandbox
from omnisearch.media.sandbox import Layer
from omnisearch.wire import Message, WireError, WireTimeoutError

MAX_MESSAGE = 512 << 20
START_SECONDS = 60.0
POLL_SECONDS = 0.1  # interval between calls of `stopped`

Start: TypeAlias = Callable[[socket.socket, int], "subprocess.Popen[bytes]"]


@dataclass(frozen=True)
class Limits:
    """Limits per file: seconds for one answer, seconds of work in all, bytes of address space.

    `niceness` lowers the priority of the process, up to 19.
    """

    answer_seconds: float = 60.0
    file_seconds: float = 3600.0
    memory_bytes: int = 4 << 30
    niceness: int = 0


class WorkerProcess:
    """A process that decodes one file after the other. `jobs` counts the files; `layers` are its sandbox layers.

    `start(socket, memory_bytes)` starts another kind of process than a decoder.
    """

    def __init__(self, limits: Limits, start: Start | None = None) -> None:
        self.jobs = 0
        self.sock, theirs = socket.socketpair()
        with theirs:
            self._process = (start or start_worker)(theirs, limits.memory_bytes)
        if limits.niceness:
            os.setpriority(os.PRIO_PROCESS, self._process.pid, limits.niceness)
        try:
            self.layers = _layers(self.receive(START_SECONDS).body.get("layers"))
        except WireError:
            code = self.stop()
            raise MediaError(Reason.DECODER_CRASHED, f"its process did not start (exit {code})") from None

    def receive(self, seconds: float, stopped: Callable[[], bool] = lambda: False) -> Message:
        """Receive the next message. Kills the process if none arrives within `seconds`, or once `stopped()` is true.

        Raises:
            WireError: the process ended.
        """
        ends = monotonic() + seconds
        ready = select.poll()
        ready.register(self.sock, select.POLLIN)
        while not ready.poll(1000 * min(POLL_SECONDS, max(ends - monotonic(), 0.01))):
            if stopped() or monotonic() >= ends:
                self._process.kill()  # so the stream ends
        try:
            message = wire.receive(self.sock, MAX_MESSAGE, ends)
        except WireTimeoutError:
            self._process.kill()
            raise
        if message is None:
            raise WireError("the process ended")
        return message

    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def discard(self) -> None:
        """End the process at once; it is idle, and has nothing to save."""
        self.sock.close()
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """End the process and return its exit status, negative for a signal."""
        self.sock.close()
        try:
            return self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def start_worker(theirs: socket.socket, memory_bytes: int) -> "subprocess.Popen[bytes]":
    """Start a decoder process on one end of a socket."""
    return start_module("omnisearch.media.worker", theirs, [str(memory_bytes)], sandbox.environment())


def start_module(
    module: str, theirs: socket.socket, arguments: Sequence[str], environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Run a module in a process that gets one end of a socket and the `arguments`; its output is dropped."""
    # -P keeps the working directory, which may hold a hostile numpy.py, off the import path
    command = [sys.executable, "-P", "-m", module, str(theirs.fileno()), *arguments]
    return subprocess.Popen(
        command,
        pass_fds=[theirs.fileno()],
        env=environment,
        process_group=0,  # a Ctrl-C in the terminal is for the parent alone
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _layers(body: Any) -> list[Layer]:
    try:
        return [Layer(str(name), bool(active), str(detail)) for name, active, detail in body]
    except (TypeError, ValueError) as error:
        raise WireError(f"not the layers of a sandbox: {error!r}") from None
