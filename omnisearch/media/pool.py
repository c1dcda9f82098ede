"""A pool of decoder processes. The other packages open media only through it."""

import contextlib
import dataclasses
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from omnisearch.config import Settings
from omnisearch.errors import MediaError, Reason, StoppedError
from omnisearch.media.decode_job import DecodeJob, Pieces
from omnisearch.media.file import open_file
from omnisearch.media.material.wanted import Wanted
from omnisearch.media.metadata.sidecar_names import absent_sidecars
from omnisearch.media.rendition import COVERED, HEAD_BYTES, SMALL_SIDE, AnyRendition, Rendition
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.texts.passages import passages
from omnisearch.media.worker_process import POLL_SECONDS, Limits, WorkerProcess
from omnisearch.metadata import Metadata
from omnisearch.types import Decoded, MediaInfo, Modality, Slice
from omnisearch.wire import WireError

JOBS_PER_WORKER = 500
_restarts = 0
_restarts_lock = threading.Lock()


def restarts() -> int:
    """Return the number of workers of this process's pools that died or were killed while they read a file."""
    return _restarts


def _count_restart() -> None:
    global _restarts
    with _restarts_lock:
        _restarts += 1


def segmentation(settings: Settings) -> Segmentation:
    """The settings of segmentation: segment lengths and overlaps."""
    return Segmentation(
        settings.segment_seconds, settings.segment_overlap, settings.passage_characters, settings.passage_overlap
    )


class DecoderPool:
    """Decodes files in `workers` processes that are started when first needed; safe to call from many threads.

    A call waits while all workers are busy. A `Decoded` keeps its worker until its pieces are read to the end,
    closed, or deleted: a thread that holds more of them than there are workers deadlocks. With `previews`, decoding a
    file also makes its small preview. With `shorter_side`, pictures are decoded with no more pixels than an encoder
    needs that reads so many on the shorter side.
    """

    def __init__(
        self,
        settings: Settings,
        workers: int | None = None,
        limits: Limits | None = None,
        previews: bool = False,
        shorter_side: int | None = None,
    ) -> None:
        self._cut, self._previews = segmentation(settings), previews
        self._shorter_side = shorter_side and max(shorter_side, SMALL_SIDE)  # a preview has as many pixels as always
        self._limits = limits or Limits()
        self._idle: queue.LifoQueue[WorkerProcess | None] = queue.LifoQueue()
        self._closed = False
        self._starting: list[threading.Thread] = []
        for _ in range(workers or settings.workers):
            self._idle.put(None)  # a place without a worker yet

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, count: int) -> None:
        """Start up to `count` workers now, beside other work, so that the first files do not wait for them."""
        for _ in range(min(count, self._idle.qsize())):
            thread = threading.Thread(target=self._start_early, name="decoder start")
            self._starting.append(thread)
            thread.start()

    def _start_early(self) -> None:
        with contextlib.suppress(queue.Empty):
            worker = self._idle.get_nowait()
            try:
                if worker is None and not self._closed:
                    worker = WorkerProcess(self._limits)
            except (MediaError, OSError):
                pass  # it is tried again for a file, which gets the error
            finally:
                self._idle.put(worker)

    def close(self) -> None:
        """Stop the idle workers; a busy one stops when its file is done."""
        self._closed = True
        for thread in self._starting:
            thread.join()
        stopped = 0
        with contextlib.suppress(queue.Empty):
            while True:
                worker = self._idle.get_nowait()
                stopped += 1
                if worker is not None:
                    worker.discard()
        for _ in range(stopped):
            self._idle.put(None)

    def passages(self, text: str) -> list[str]:
        """Cut a text into passages in the same way as a text file; a short text is one passage."""
        return [str(piece.content) for piece in passages([("", text)], self._cut)]

    def decode(
        self,
        path: Path,
        follow_links: bool = True,
        slice_: Slice | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Decoded:
        """Decode a file, or only a slice of it; pieces stream from the worker as they are read.

        Waiting ends soon after `stopped()` becomes true.

        Raises:
            MediaError: the file was refused, or its decoder died or took too long; also while pieces are read.
            StoppedError: `stopped()` became true; also while pieces are read.
        """
        request = {"op": "decode", "segmentation": dataclasses.asdict(self._cut), "preview": self._previews}
        request |= {"shorter_side": self._shorter_side}
        request |= {"absent": absent_sidecars(path)} if slice_ is None else {"slice": str(slice_)}
        decoded = self._pieces(path, request, follow_links, stopped)
        if self._previews and decoded.info.mime in COVERED:
            return dataclasses.replace(decoded, preview=lambda: self.cover(path, follow_links))
        return decoded

    def cover(self, path: Path, follow_links: bool = True) -> bytes | None:
        """Make the small preview of a document; None if it has none or it cannot be made.

        It is not a part of decoding, because a page that cannot be drawn must not cost its text.
        """
        try:
            fd = open_file(path, follow_links)
            try:
                return self.render(path, fd, Rendition.SMALL)
            finally:
                os.close(fd)
        except MediaError:
            return None

    def material(
        self,
        path: Path,
        wanted: Wanted,
        follow_links: bool = True,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Decoded:
        """Decode the pictures, sound or subtitles from which words are read. `info` has the modality of the pieces.

        Raises:
            MediaError, StoppedError: as `decode`.
        """
        request = {"op": "material", "material": dataclasses.asdict(wanted)}
        return self._pieces(path, request, follow_links, stopped)

    def _pieces(self, path: Path, request: dict[str, Any], follow_links: bool, stopped: Callable[[], bool]) -> Decoded:
        fd = open_file(path, follow_links)
        try:
            job = self._start(fd, path, request, stopped)
        finally:
            os.close(fd)
        try:
            info = _info(job.answer("info").body["info"])
        except WireError as error:
            raise job.broken(error) from None
        notes: list[str] = []
        pieces = Pieces(job, info.modality, notes)
        return Decoded(info, pieces, notes, lambda: pieces.preview)

    def describe(self, path: Path, follow_links: bool = True) -> Metadata:
        """Read the metadata of a file and its sidecars, without decoding the file.

        Raises:
            MediaError: as `decode`.
        """
        fd = open_file(path, follow_links)
        try:
            job = self._start(fd, path, {"op": "describe", "absent": absent_sidecars(path)}, lambda: False)
        finally:
            os.close(fd)
        answer = job.answer("metadata")
        try:
            metadata = _metadata(answer.body["metadata"])
        except (KeyError, ValueError) as error:
            raise job.broken(error) from None
        job.finish()
        return metadata

    def render(
        self, path: Path, fd: int, rendition: AnyRendition, stopped: Callable[[], bool] = lambda: False
    ) -> bytes | None:
        """Make a rendition of the file at `path`, which is open as `fd`; None if its modality has none.

        Raises:
            MediaError, StoppedError: as `decode`.
        """
        job = self._start(fd, path, {"op": "render", "rendition": str(rendition)}, stopped)
        answer = job.answer("rendition")
        job.finish()
        if "rendition" not in answer.arrays:
            return None
        made = answer.arrays["rendition"].tobytes()
        if not rendition.is_whole(made[:HEAD_BYTES], len(made)):
            raise MediaError(Reason.DECODER_CRASHED, f"the decoder sent no {rendition.noun}")
        return made

    def _start(self, fd: int, path: Path, request: dict[str, Any], stopped: Callable[[], bool]) -> DecodeJob:
        worker = self._next_idle(stopped)
        try:
            if worker is not None and worker.ended():
                worker.stop()
                worker = None  # it died while idle, so this file is not the cause
            if worker is None:
                worker = WorkerProcess(self._limits)
            worker.jobs += 1
            job = DecodeJob(worker, self._release, path.parent, self._limits, stopped)
            job.request(fd, {**request, "name": _plain(path.name), "cpu_seconds": int(self._limits.file_seconds)})
        except BaseException:
            if worker is not None:
                worker.stop()
            self._idle.put(None)
            raise
        return job

    def _next_idle(self, stopped: Callable[[], bool]) -> WorkerProcess | None:
        while True:
            with contextlib.suppress(queue.Empty):
                return self._idle.get(timeout=POLL_SECONDS)
            if stopped():
                raise StoppedError("decoding was stopped before it began")

    def _release(self, worker: WorkerProcess, usable: bool) -> None:
        if not usable:
            _count_restart()
        if usable and not self._closed and worker.jobs < JOBS_PER_WORKER:
            self._idle.put(worker)
        else:
            worker.stop()
            self._idle.put(None)


def _info(body: Any) -> MediaInfo:
    try:
        duration = None if body["duration"] is None else float(body["duration"])
        return MediaInfo(Modality(body["modality"]), str(body["mime"])[:100], duration, _metadata(body["metadata"]))
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"not the info of a file: {error!r}") from None


def _metadata(text: Any) -> Metadata:
    """Parse and check metadata.

    Raises:
        ValueError: the text is not metadata, or a value is not allowed.
    """
    if not isinstance(text, str):
        raise ValueError(f"metadata of type {type(text).__name__}")
    metadata = Metadata.from_json(text)
    metadata.check()
    return metadata


def _plain(name: str) -> str:
    return name.encode(errors="replace").decode()  # a name that is not UTF-8 cannot cross in JSON
