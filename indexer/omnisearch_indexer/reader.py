"""Read files in threads: hash, then decode. The threads make no decisions; all results go to one queue."""

import os
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from omnisearch.errors import MediaError, Reason, StoppedError
from omnisearch.media.system_errors import reason_and_detail
from omnisearch.types import Decoded, MediaInfo, Modality, Piece
from omnisearch_indexer.files import Files
from omnisearch_indexer.local_files import close_pieces
from omnisearch_indexer.preview_writer import PreviewWriter
from omnisearch_indexer.reader_queue import FileQueue, ReaderQueue, content_bytes
from omnisearch_indexer.retries import CRASHES
from omnisearch_indexer.walk import Signature


@dataclass(eq=False)
class FileReading:
    """One attempt to read one file. `signature` belongs to the hashed bytes; `dead` tells the reader to stop.

    `runs` counts the failed runs with the unchanged file, including this one. `reported` counts the
    bytes that the progress meter has received.
    """

    path: str
    signature: Signature
    attempt: int = 1
    item_id: str = ""
    info: MediaInfo | None = None
    dead: bool = False
    runs: int = 1
    reported: int = 0
    lane: FileQueue[Any] = field(default_factory=FileQueue)


@dataclass(frozen=True, eq=False)
class FileHashed:
    """A file was hashed; the reading now has its item id."""

    reading: FileReading


@dataclass(frozen=True, eq=False)
class Read:
    """One piece of a file."""

    reading: FileReading
    piece: Piece


@dataclass(frozen=True, eq=False)
class Refused:
    """A file could not be read."""

    reading: FileReading
    reason: Reason
    detail: str


@dataclass(frozen=True, eq=False)
class Ended:
    """All pieces of a file are read, or reading was stopped. `signature` is the current one of the file."""

    reading: FileReading
    complete: bool
    signature: Signature
    notes: tuple[str, ...] = ()


Event: TypeAlias = FileHashed | Read | Refused | Ended


class Reader:
    """Threads that read files. Every `hash` gives one FileHashed or Refused, every `decode` one Ended or Refused.

    If the run was stopped, both give an incomplete Ended.
    """

    def __init__(
        self,
        files: Files,
        modalities: Collection[Modality],
        workers: int,
        channel: ReaderQueue[Any],
        stop: threading.Event,
        previews: PreviewWriter,
    ) -> None:
        self._files, self._modalities, self._channel, self._stop = files, modalities, channel, stop
        self._previews = previews
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="reader")

    def close(self) -> None:
        """Wait for the threads to end."""
        self._threads.shutdown(cancel_futures=True)

    def hash(self, reading: FileReading) -> None:
        """Find the item id of a file."""
        self._threads.submit(self._guard, self._hash, reading)

    def decode(self, reading: FileReading) -> None:
        """Stream the pieces of a file."""
        self._threads.submit(self._guard, self._decode, reading)

    def _guard(self, work: Callable[[FileReading], None], reading: FileReading) -> None:
        try:
            work(reading)
        except StoppedError:
            self._put(reading, Ended(reading, complete=False, signature=reading.signature))
        except (MediaError, OSError) as error:
            self._put(reading, Refused(reading, *reason_and_detail(error)))
        except BaseException as error:  # an error in this program: without an answer the run would never end
            self._put(reading, error)

    def _put(self, reading: FileReading, event: Event | BaseException, size: int = 0) -> None:
        self._channel.put(event, reading.lane, size)

    def _hash(self, reading: FileReading) -> None:
        reading.signature, reading.item_id = self._files.identify(reading.path)
        self._put(reading, FileHashed(reading))

    def _decode(self, reading: FileReading) -> None:
        for crash in range(1, CRASHES + 1):
            sent = 0
            try:
                decoded = self._files.decode(reading.path)
                reading.info = decoded.info
                if decoded.info.modality not in self._modalities:
                    close_pieces(decoded)
                    detail = f"the model does not embed {decoded.info.modality}"
                    raise MediaError(Reason.UNSUPPORTED_FORMAT, detail)
                for piece in decoded.pieces:
                    if self._stop.is_set() or reading.dead:
                        close_pieces(decoded)
                        break
                    self._put(reading, Read(reading, piece), content_bytes(piece.content))
                    sent += 1
                else:
                    self._end(reading, sent, decoded)
                    return
            except MediaError as error:
                again = error.reason is Reason.DECODER_CRASHED and crash < CRASHES and not sent
                if not again and not self._stop.is_set():
                    raise
            if self._stop.is_set() or reading.dead:
                break
        self._put(reading, Ended(reading, complete=False, signature=reading.signature))

    def _end(self, reading: FileReading, sent: int, decoded: Decoded) -> None:
        if not sent:
            raise MediaError(Reason.DECODE_ERROR, "the file has no content")
        preview = decoded.preview()
        now = Signature.of(os.lstat(reading.path))
        if preview is not None and now.matches(reading.signature):
            self._previews.write(reading.item_id, preview)
        self._put(reading, Ended(reading, complete=True, signature=now, notes=tuple(decoded.notes)))
