"""Decoding in processes that may die: the only way the other rooms open media."""

import contextlib
import dataclasses
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from omnisearch import wire
from omnisearch.config import Settings
from omnisearch.errors import MediaError, Reason
from omnisearch.media import decode as decoding
from omnisearch.media.file import open_below, open_file
from omnisearch.media.parcel import unpack
from omnisearch.media.segmentation import Segmentation
from omnisearch.types import Decoded, MediaInfo, Modality, Piece, Slice
from omnisearch.wire import Message, WireError

MAX_MESSAGE = 512 << 20
JOBS_PER_WORKER = 500
START_SECONDS = 60.0
_PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])


@dataclass(frozen=True)
class Limits:
    """What one file may cost: seconds to answer once, seconds of work for the file, bytes of address space."""

    answer_seconds: float = 60.0
    file_seconds: float = 3600.0
    memory_bytes: int = 4 << 30


def segmentation(settings: Settings) -> Segmentation:
    """The part of the settings that decides where segments begin and end."""
    return Segmentation(
        settings.segment_seconds, settings.segment_overlap, settings.passage_characters, settings.passage_overlap
    )


def fingerprint(settings: Settings) -> str:
    """Names the decoder's version and the segmentation; pieces made under another fingerprint are stale."""
    cut = segmentation(settings)
    return (
        f"media-{decoding.VERSION}:seconds={cut.seconds:g}+{cut.overlap:g}"
        f":characters={cut.characters}+{cut.character_overlap}"
    )


class DecoderPool:
    """Decodes files in `workers` processes that are started when first needed; safe to call from many threads.

    A call waits while all workers are busy. A `Decoded` keeps its worker until its pieces are read to the end,
    closed, or forgotten: a thread that holds more of them than there are workers waits for itself.
    """

    def __init__(self, settings: Settings, workers: int | None = None, limits: Limits | None = None) -> None:
        self._cut = segmentation(settings)
        self._limits = limits or Limits()
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        self._closed = False
        for _ in range(workers or settings.workers):
            self._idle.put(None)  # a place without a worker yet

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the idle workers; a busy one stops when its file is done."""
        self._closed = True
        stopped = 0
        with contextlib.suppress(queue.Empty):
            while True:
                worker = self._idle.get_nowait()
                stopped += 1
                if worker is not None:
                    worker.stop()
        for _ in range(stopped):
            self._idle.put(None)

    def decode(self, path: Path, follow_links: bool = True, part: Slice | None = None) -> Decoded:
        """Decode a file, or a slice of it as if it were all there is; pieces stream from the worker as they are read.

        Raises:
            MediaError: the file was refused, or its decoder died or took too long; also while pieces are read.
        """
        request = {"op": "decode", "segmentation": dataclasses.asdict(self._cut)}
        job = self._start(path, follow_links, request if part is None else {**request, "slice": str(part)})
        try:
            info = _info(job.answer("info").body["info"])
        except WireError as error:
            raise job.broken(error) from None
        return Decoded(info, _Pieces(job, info.modality))

    def preview(self, path: Path) -> bytes | None:
        """A WebP picture that shows the file, None for text.

        Raises:
            MediaError: as `decode`.
        """
        job = self._start(path, True, {"op": "preview"})
        answer = job.answer("picture")
        job.finish()
        if "picture" not in answer.arrays:
            return None
        picture = answer.arrays["picture"].tobytes()
        if picture[:4] != b"RIFF" or picture[8:12] != b"WEBP":
            raise MediaError(Reason.DECODER_CRASHED, "the preview is not a WebP picture")
        return picture

    def _start(self, path: Path, follow_links: bool, request: dict[str, Any]) -> "_Job":
        fd = open_file(path, follow_links)
        try:
            worker = self._idle.get()
            try:
                if worker is not None and worker.ended():
                    worker.stop()
                    worker = None  # it died idle, through no fault of this file
                if worker is None:
                    worker = _Worker(self._limits)
                worker.jobs += 1
                job = _Job(worker, self, path.parent, self._limits)
                job.request(fd, {**request, "name": _plain(path.name), "cpu_seconds": int(self._limits.file_seconds)})
            except BaseException:
                if worker is not None:
                    worker.stop()
                self._idle.put(None)
                raise
        finally:
            os.close(fd)
        return job

    def _release(self, worker: "_Worker", usable: bool) -> None:
        if usable and not self._closed and worker.jobs < JOBS_PER_WORKER:
            self._idle.put(worker)
        else:
            worker.stop()
            self._idle.put(None)


class _Worker:
    """One child process and the socket to it."""

    def __init__(self, limits: Limits) -> None:
        self.jobs = 0
        self.sock, theirs = socket.socketpair()
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [_PACKAGE_ROOT, os.environ.get("PYTHONPATH")])),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "OMNISEARCH_WORKER_BYTES": str(limits.memory_bytes),
        }
        with theirs:
            # -P keeps the working directory, which may hold a hostile numpy.py, off the import path
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "omnisearch.media.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                process_group=0,  # a Ctrl-C in the terminal is for the parent alone
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        try:
            self.receive(START_SECONDS)
        except WireError:
            code = self.stop()
            raise MediaError(Reason.DECODER_CRASHED, f"a decoder process did not start (exit {code})") from None

    def receive(self, seconds: float) -> Message:
        """The next message; the process is killed where it does not come within `seconds`.

        Raises:
            WireError: the process ended.
        """
        watchdog = threading.Timer(max(seconds, 0.0), self._process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            message = wire.receive(self.sock, MAX_MESSAGE)
        finally:
            watchdog.cancel()
        if message is None:
            raise WireError("the process ended")
        return message

    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def stop(self) -> int:
        """End the process and return its exit status, negative for a signal."""
        self.sock.close()
        try:
            return self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


class _Job:
    """One file in one worker."""

    def __init__(self, worker: _Worker, pool: DecoderPool, folder: Path, limits: Limits) -> None:
        self._worker: _Worker | None = worker
        self._pool, self._folder, self._limits = pool, folder, limits
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
        """Wait for an answer that has one of the keys `expected`; the job is over when this raises.

        Raises:
            MediaError: what the worker refused, or why it died.
        """
        from time import monotonic

        assert self._worker is not None
        try:
            while True:
                allowed, start = min(self._limits.answer_seconds, self._left), monotonic()
                try:
                    message = self._worker.receive(allowed)
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

    def broken(self, error: Exception) -> MediaError:
        """Stop the worker and tell why its answer did not come."""
        worker, self._worker = self._worker, None
        if worker is None:
            return MediaError(Reason.DECODER_CRASHED, str(error))
        status = worker.stop()
        self._pool._release(worker, usable=False)
        if self._late or status == -signal.SIGXCPU:
            return MediaError(Reason.TIMEOUT, f"no answer within {self._limits.answer_seconds:g} seconds")
        how = signal.Signals(-status).name if status < 0 else f"{error}"
        return MediaError(Reason.DECODER_CRASHED, how)

    def finish(self, tell: bool = False) -> None:
        """Give the worker back; `tell` it first where it waits to be asked for more."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        usable = True
        if tell:
            try:
                wire.send(worker.sock, Message({"op": "close"}))
            except WireError:
                usable = False
        self._pool._release(worker, usable)

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


class _Pieces(Iterator[Piece]):
    """The pieces of one file; `close` gives its worker back early."""

    def __init__(self, job: _Job, modality: Modality) -> None:
        self._job: _Job | None = job
        self._modality = modality

    def __next__(self) -> Piece:
        if self._job is None:
            raise StopIteration
        job = self._job
        try:
            answer = job.ask_next()
            if "end" not in answer.body:
                return unpack(answer, self._modality)
        except WireError as error:
            self._job = None
            raise job.broken(error) from None
        except MediaError:
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


def _info(body: Any) -> MediaInfo:
    try:
        duration = None if body["duration"] is None else float(body["duration"])
        return MediaInfo(Modality(body["modality"]), str(body["mime"])[:100], duration)
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"not the info of a file: {error!r}") from None


def _plain(name: str) -> str:
    return name.encode(errors="replace").decode()  # a name that is not UTF-8 cannot cross in JSON
