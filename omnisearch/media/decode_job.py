"""The protocol for decoding one file in a worker process: requests, replies and errors."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias

from omnisearch import wire
from omnisearch.errors import MediaError, Reason, StoppedError
from omnisearch.media.file import open_below
from omnisearch.media.piece_codec import unpack, unpack_end
from omnisearch.media.worker_process import Limits, WorkerProcess
from omnisearch.types import Modality, Piece
from omnisearch.wire import Message, WireError

Release: TypeAlias = Callable[[WorkerProcess, bool], None]


class DecodeJob:
    """One file in one worker. `release(worker, usable)` returns the worker when the file is done or the worker died.

    Once `stopped()` is true, waiting for an answer ends and the worker is killed.
    """

    def __init__(
        self, worker: WorkerProcess, release: Release, folder: Path, limits: Limits, stopped: Callable[[], bool]
    ) -> None:
        self._worker: WorkerProcess | None = worker
        self._release, self._folder, self._limits = release, folder, limits
        self._stopped = stopped
        self._left = limits.file_seconds
        self._late = False

    def request(self, fd: int, body: dict[str, Any]) -> None:
        """Pass the file to the worker.

        Raises:
            MediaError: the worker is gone.
        """
        assert self._worker is not None
        try:
            socket.send_fds(self._worker.sock, [b"F"], [fd])
            wire.send(self._worker.sock, Message(body))
        except (OSError, WireError) as error:
            raise MediaError(Reason.DECODER_CRASHED, f"before it saw the file: {error}") from None

    def answer(self, *expected: str) -> Message:
        """Wait for an answer that has one of the keys `expected`; if this raises, the job has ended.

        Raises:
            MediaError: the worker refused the file, or died; the detail gives the cause.
            StoppedError: `stopped()` became true.
        """
        assert self._worker is not None
        try:
            while True:
                allowed, start = min(self._limits.answer_seconds, self._left), monotonic()
                try:
                    message = self._worker.receive(allowed, self._stopped)
                finally:
                    spent = monotonic() - start
                    self._left -= spent
                    self._late = spent >= allowed
                if "sibling" not in message.body:
                    break
                self._send_sibling(str(message.body["sibling"]))
            if "error" in message.body:
                error = message.body["error"]
                refused = MediaError(Reason(error["reason"]), str(error["detail"])[:300])
                self.finish()
                raise refused
            if not any(key in message.body for key in expected):
                raise WireError(f"an answer of {sorted(message.body)}")
        except (WireError, KeyError, TypeError, ValueError, OSError) as error:
            raise self.broken(error) from None
        return message

    def ask_next(self) -> Message:
        """Ask for the next piece."""
        assert self._worker is not None
        try:
            wire.send(self._worker.sock, Message({"op": "next"}))
        except WireError as error:
            raise self.broken(error) from None
        return self.answer("piece", "end")

    def broken(self, error: Exception) -> MediaError | StoppedError:
        """Stop the worker and return the reason for the missing answer."""
        worker, self._worker = self._worker, None
        if worker is None:
            return MediaError(Reason.DECODER_CRASHED, str(error))
        status = worker.stop()
        self._release(worker, False)
        if self._stopped():
            return StoppedError("decoding was stopped")
        if self._late or status == -signal.SIGXCPU:
            return MediaError(Reason.TIMEOUT, f"no answer within {self._limits.answer_seconds:g} seconds")
        how = signal.Signals(-status).name if status < 0 else f"{error}"
        return MediaError(Reason.DECODER_CRASHED, how)

    def finish(self, tell: bool = False) -> None:
        """Return the worker; if `tell` is true, first tell it that no more pieces are wanted."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        usable = True
        if tell:
            try:
                wire.send(worker.sock, Message({"op": "close"}))
            except WireError:
                usable = False
        self._release(worker, usable)

    def _send_sibling(self, name: str) -> None:
        assert self._worker is not None
        fd = open_below(self._folder, name)
        if fd is None:
            self._worker.sock.sendall(b"-")
            return
        try:
            socket.send_fds(self._worker.sock, [b"F"], [fd])
        finally:
            os.close(fd)


class Pieces(Iterator[Piece]):
    """The pieces of one file; `close` returns its worker early. `notes` and `preview` are complete after the last."""

    def __init__(self, job: DecodeJob, modality: Modality, notes: list[str]) -> None:
        self._job: DecodeJob | None = job
        self._modality = modality
        self._notes = notes
        self.preview: bytes | None = None

    def __next__(self) -> Piece:
        if self._job is None:
            raise StopIteration
        job = self._job
        try:
            answer = job.ask_next()
            if "end" not in answer.body:
                return unpack(answer, self._modality)
            notes, self.preview = unpack_end(answer)
            self._notes.extend(notes)
        except WireError as error:
            self._job = None
            raise job.broken(error) from None
        except (MediaError, StoppedError):
            self._job = None
            raise
        self._job = None
        job.finish()
        raise StopIteration

    def close(self) -> None:
        """Stop reading; safe to call twice."""
        job, self._job = self._job, None
        if job is not None:
            job.finish(tell=True)

    def __del__(self) -> None:
        self.close()
