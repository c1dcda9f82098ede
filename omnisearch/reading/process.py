"""The reading process as its parent sees it: one sandboxed process, started when needed, and again after it died."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from time import monotonic
from types import MappingProxyType, TracebackType
from typing import Self

import numpy as np

from omnisearch import wire
from omnisearch.config import Settings
from omnisearch.errors import MediaError, Reason, StoppedError
from omnisearch.media import sandbox
from omnisearch.media.material.wanted import BLOCK_SECONDS, RATE
from omnisearch.media.worker_process import Limits, WorkerProcess, start_module
from omnisearch.reading import reading_codec
from omnisearch.reading.reader import SPEECH, Level, never
from omnisearch.types import Floats, Pixels, Reading
from omnisearch.wire import Message, WireError

# Seconds per picture or block of sound, and bytes of address space, of which the libraries reserve more than they use.
LIMITS = Limits(answer_seconds=300.0, memory_bytes=12 << 30)
# The libraries must not ask a hub for models, whatever their version does.
_OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
_BLOCK = round(BLOCK_SECONDS * RATE)


class ReadingProcess:
    """Reads one picture or sound at a time; safe to call from many threads, which wait for each other.

    A transcription keeps the process until its readings are read to the end, closed, or deleted.
    """

    def __init__(
        self,
        settings: Settings,
        speech: Path | None,
        scripts: Mapping[str, Path] = MappingProxyType({}),
        limits: Limits = LIMITS,
    ) -> None:
        """Prepare the process.

        `speech` is the folder of the speech model, None if no sound will be transcribed. `scripts` are the files of
        models that read further scripts, as of `ScriptReader`.
        """
        self._threads = min(settings.workers, os.cpu_count() or 1)
        self._models = {**({SPEECH: speech} if speech else {}), **scripts}
        self._limits = limits
        self._worker: WorkerProcess | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the process, after the work in progress."""
        with self._lock:
            self._stop()

    def read_image(
        self, pixels: Pixels, level: Level, notes: list[str], stopped: Callable[[], bool] = never
    ) -> list[Reading]:
        """Read the text in a picture, uint8 (height, width, 3).

        Raises:
            MediaError: timeout, memory_limit, decoder_crashed or decode_error; the next call starts a new process.
            StoppedError: `stopped()` became true.
        """
        with self._lock:
            self._wake()
            return self._ask(Message({"op": "image", "level": level}, {"pixels": pixels}), notes, stopped)

    def transcribe(
        self, blocks: Iterable[Floats], level: Level, notes: list[str], stopped: Callable[[], bool] = never
    ) -> Iterator[Reading]:
        """Transcribe mono sound, float32 at 16 kHz in blocks of any length, while it is read.

        Raises:
            MediaError: as `read_image`, or an error of `blocks`.
            StoppedError: `stopped()` became true.
        """
        with self._lock:
            self._wake()
            self._ask(Message({"op": "sound", "level": level}), notes, stopped)
            for block in blocks:
                for start in range(0, len(block), _BLOCK):
                    samples = np.ascontiguousarray(block[start : start + _BLOCK], dtype=np.float32)
                    yield from self._ask(Message({"op": "block"}, {"samples": samples}), notes, stopped)
            yield from self._ask(Message({"op": "end"}), notes, stopped)

    def _ask(self, request: Message, notes: list[str], stopped: Callable[[], bool]) -> list[Reading]:
        start = monotonic()
        try:
            if self._worker is None:
                raise WireError("it ended")
            wire.send(self._worker.sock, request)
            answer = self._worker.receive(self._limits.answer_seconds, stopped)
            if "error" in answer.body:
                error = answer.body["error"]
                raise MediaError(Reason(error["reason"]), str(error["detail"])[:300])
            readings, missing = reading_codec.unpack(answer)
        except MediaError:
            raise
        except (WireError, KeyError, TypeError, ValueError) as error:
            raise self._broken(error, monotonic() - start, stopped) from None
        except BaseException:
            self._stop()  # its answer would be taken for that of the next request
            raise
        notes += missing
        return readings

    def _wake(self) -> None:
        """Start the process if there is none, or if it died while it was idle."""
        if self._worker is not None and self._worker.ended():
            self._stop()
        if self._worker is None:
            self._worker = WorkerProcess(self._limits, self._start)

    def _start(self, theirs: socket.socket, memory_bytes: int) -> "subprocess.Popen[bytes]":
        environment = {**sandbox.environment(), **_OFFLINE, "OMP_NUM_THREADS": str(self._threads)}
        models = [f"{name}={path}" for name, path in self._models.items()]
        arguments = [str(memory_bytes), str(self._threads), *models]
        return start_module("omnisearch.reading.worker", theirs, arguments, environment)

    def _broken(self, error: Exception, seconds: float, stopped: Callable[[], bool]) -> MediaError | StoppedError:
        status = self._stop()
        if stopped():
            return StoppedError("reading was stopped")
        if seconds >= self._limits.answer_seconds:
            return MediaError(Reason.TIMEOUT, f"no answer of the reading process within {seconds:.0f} seconds")
        how = signal.Signals(-status).name if status < 0 else str(error)
        return MediaError(Reason.DECODER_CRASHED, f"the reading process: {how}")

    def _stop(self) -> int:
        worker, self._worker = self._worker, None
        return 0 if worker is None else worker.stop()
