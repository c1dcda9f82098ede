"""The process that reads pictures and sound.

It runs as `python -m omnisearch.reading.worker FD MEMORY_BYTES THREADS NAME=PATH...`, with the paths of its models: the
folder of `speech`, and the files of models of scripts. It gets arrays, and never a file of a user:

    ReadingProcess                            worker
                                              {"layers": [[name, active, detail], ...]}    once
    {"op": "image", "level"} + pixels         {"readings": [...], "notes": [...]} or {"error": {...}}
    {"op": "sound", "level"}                  {"readings": [], "notes": []}: a sound begins
    {"op": "block"} + samples                 {"readings": [...], "notes": []} or {"error": {...}}
    {"op": "end"}                             the same: the sound has ended
"""

import dataclasses
import socket
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omnisearch import wire
from omnisearch.media import sandbox
from omnisearch.media.library_errors import as_media_error
from omnisearch.reading import reading_codec
from omnisearch.reading.ocr import Ocr
from omnisearch.reading.reader import SPEECH
from omnisearch.reading.speech import Speech, Transcript
from omnisearch.types import Reading
from omnisearch.wire import Message

MAX_BYTES = 64 << 20  # of one picture or block of sound
CPU_FACTS = ("/proc/cpuinfo", "/sys/devices/system/cpu")  # by which onnxruntime and CTranslate2 choose their code


def main(fd: int, memory_bytes: int, threads: int, models: Mapping[str, Path]) -> None:
    """Serve a ReadingProcess until it closes the socket."""
    sock = socket.socket(fileno=fd)
    layers = sandbox.enter(memory_bytes, [*CPU_FACTS, *map(str, models.values())])
    scripts = {name: path for name, path in models.items() if name != SPEECH}
    folder = models.get(SPEECH)
    warnings.simplefilter("ignore")
    wire.send(sock, Message({"layers": [dataclasses.astuple(layer) for layer in layers]}))
    serve(sock, Ocr(threads, scripts), Speech(folder, threads) if folder else None)


def serve(sock: socket.socket, ocr: Any, speech: Any) -> None:
    """Answer requests until the other side closes the socket."""
    transcript: Transcript | None = None
    while (request := wire.receive(sock, MAX_BYTES)) is not None:
        notes: list[str] = []
        readings: list[Reading] = []
        try:
            match request.body["op"]:
                case "image":
                    readings = ocr.read(request.arrays["pixels"], request.body["level"], notes)
                case "sound":
                    transcript = speech.begin(request.body["level"])
                case "block" if transcript is not None:
                    readings = transcript.add(request.arrays["samples"])
                case "end" if transcript is not None:
                    readings, notes = transcript.end(), transcript.notes
                    transcript = None
        except Exception as error:  # any exception of a library is an error of what is read
            transcript = None
            refused = as_media_error(error)
            wire.send(sock, Message({"error": {"reason": refused.reason, "detail": refused.detail}}))
            continue
        wire.send(sock, reading_codec.pack(readings, notes))


if __name__ == "__main__":
    named = (argument.split("=", 1) for argument in sys.argv[4:])
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), {name: Path(path) for name, path in named})
