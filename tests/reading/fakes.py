"""A reading process without models: it answers from the numbers in the arrays."""

import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence

import numpy as np

from omnisearch import wire
from omnisearch.reading.reader import Level
from omnisearch.reading.worker import serve
from omnisearch.types import Floats, Pixels, Reading, Region
from omnisearch.wire import Message
from tests import warm_fork

DIE, HANG, REFUSE = 255, 254, 253  # values of the first pixel


class FakeOcr:
    """Reads a picture as the value of its first pixel."""

    def read(self, pixels: Pixels, level: Level, notes: list[str]) -> list[Reading]:
        value = int(pixels[0, 0, 0])
        if value == DIE:
            os.kill(os.getpid(), signal.SIGKILL)
        if value == HANG:
            time.sleep(60)
        if value == REFUSE:
            raise MemoryError
        notes.append(f"{level}: {os.getpid()}")
        return [Reading("ocr", f"value {value}", None, None, Region(0.0, 0.25, 0.5, 0.75, relative=True), 0.75)]


class FakeSpeech:
    """Hears the mean of every block, and at the end the number of blocks."""

    def begin(self, level: Level) -> "FakeTranscript":
        return FakeTranscript()


class FakeTranscript:
    """One sound."""

    def __init__(self) -> None:
        self.blocks = 0
        self.notes = ["heard"]

    def add(self, samples: Floats) -> list[Reading]:
        if samples[0] == DIE:
            os.kill(os.getpid(), signal.SIGKILL)
        self.blocks += 1
        return [Reading("speech", f"{len(samples)} of {np.mean(samples):g}", 0.0, 1.0, None, 0.5, "en")]

    def end(self) -> list[Reading]:
        return [Reading("speech", f"{self.blocks} blocks", 1.0, 2.0, None, 0.5, "en")]


def start_fake(
    module: str, theirs: socket.socket, arguments: Sequence[str], environment: Mapping[str, str]
) -> warm_fork.Decoder:
    """Start a fake process where `start_module` starts the real one."""
    process = warm_fork._CONTEXT.Process(target=_run, args=(theirs,), daemon=True)
    process.start()
    return warm_fork.Decoder(process)


def _run(sock: socket.socket) -> None:
    wire.send(sock, Message({"layers": []}))
    serve(sock, FakeOcr(), FakeSpeech())
