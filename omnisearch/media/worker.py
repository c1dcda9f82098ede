"""The process in which untrusted files are parsed: `python -m omnisearch.media.worker FD MEMORY_BYTES`.

It opens no file itself. The pool passes an open descriptor over the socket FD and asks:

    pool                                      worker
                                              {"layers": [[name, active, detail], ...]}    once
    F + fd, {"op": "decode", ...}             {"info": {...}} or {"error": {...}}
    {"op": "next"}                            {"piece": {...}}, {"end": [note, ...]} or {"error": {...}}
    {"op": "close"}                           no answer
    F + fd, {"op": "render", ...}             {"rendition": bool} or {"error": {...}}

Before its first answer the worker may ask {"sibling": name}; the pool replies one byte, with a descriptor or without.
"""

import dataclasses
import os
import resource
import socket
import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from omnisearch import wire
from omnisearch.errors import MediaError
from omnisearch.media import sandbox
from omnisearch.media.decode import decode
from omnisearch.media.file import MAX_SIBLING_BYTES, Source
from omnisearch.media.library_errors import as_media_error
from omnisearch.media.piece_codec import pack
from omnisearch.media.rendition import Rendition
from omnisearch.media.segmentation import Segmentation
from omnisearch.query.slices import parse_slice
from omnisearch.types import Piece
from omnisearch.wire import Message

MAX_SIBLINGS = 256


def main(fd: int, memory_bytes: int) -> None:
    """Serve the pool until it closes the socket."""
    sock = socket.socket(fileno=fd)
    layers = sandbox.enter(memory_bytes)
    warnings.simplefilter("ignore")
    wire.send(sock, Message({"layers": [dataclasses.astuple(layer) for layer in layers]}))
    while True:
        byte, fds, _, _ = socket.recv_fds(sock, 1, 1)
        if not byte:
            return
        request = wire.receive(sock, 0)
        if request is None:
            return
        with open(fds[0], "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            _serve(sock, file, request.body)


def _allow_cpu(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _serve(sock: socket.socket, file: Any, request: Mapping[str, Any]) -> None:
    _allow_cpu(request["cpu_seconds"])
    part = parse_slice(request.get("slice") or "")
    source = Source(file, os.fstat(file.fileno()).st_size, request["name"], _Siblings(sock), part)
    if request["op"] == "render":
        _answer_render(sock, source, Rendition(request["rendition"]))
    else:
        _answer_decode(sock, source, Segmentation(**request["segmentation"]))


def _answer_render(sock: socket.socket, source: Source, rendition: Rendition) -> None:
    from omnisearch.media.viewing import render

    try:
        made = render(source, rendition)
    except Exception as error:  # any exception of a library is an error of the file
        _refuse(sock, error)
        return
    arrays = {} if made is None else {"rendition": np.frombuffer(made, dtype=np.uint8)}
    wire.send(sock, Message({"rendition": made is not None}, arrays))


def _answer_decode(sock: socket.socket, source: Source, cut: Segmentation) -> None:
    try:
        decoded = decode(source, cut)
    except Exception as error:
        _refuse(sock, error)
        return
    info = decoded.info
    wire.send(sock, Message({"info": {"modality": info.modality, "mime": info.mime, "duration": info.duration}}))
    pieces: Iterator[Piece] = decoded.pieces
    while (request := wire.receive(sock, 0)) is not None and request.body["op"] == "next":
        try:
            piece = next(pieces, None)
        except Exception as error:
            _refuse(sock, error)
            return
        wire.send(sock, Message({"end": decoded.notes}) if piece is None else pack(piece))
        if piece is None:
            return


def _refuse(sock: socket.socket, error: Exception) -> None:
    refused: MediaError = as_media_error(error)
    wire.send(sock, Message({"error": {"reason": refused.reason, "detail": refused.detail}}))


class _Siblings:
    """Requests a file beside the decoded one from the pool, because a worker may not open files."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._files, self._bytes = MAX_SIBLINGS, MAX_SIBLING_BYTES

    def __call__(self, name: str) -> bytes | None:
        """Return the content of a file at or below the folder of the decoded one, or None if it does not exist."""
        if self._files == 0 or self._bytes <= 0:
            return None
        self._files -= 1
        wire.send(self._sock, Message({"sibling": name}))
        _, fds, _, _ = socket.recv_fds(self._sock, 1, 1)
        if not fds:
            return None
        with open(fds[0], "rb") as file:  # noqa: PTH123
            data = file.read(self._bytes)
        self._bytes -= len(data)
        return data


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
