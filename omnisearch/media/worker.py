"""The process in which untrusted files are parsed: `python -m omnisearch.media.worker FD MEMORY_BYTES`.

It opens no file itself. The pool passes an open descriptor over the socket FD and asks:

    pool                                      worker
                                              {"layers": [[name, active, detail], ...]}    once
    F + fd, {"op": "decode", ...}             {"info": {...}} or {"error": {...}}
    {"op": "next"}                            {"piece": {...}}, {"end": [note, ...]} or {"error": {...}}
                                              with "end", an array "preview" if "decode" had {"preview": true}
    {"op": "close"}                           no answer
    F + fd, {"op": "material", ...}           as "decode": pictures, sound or subtitles to be read
    F + fd, {"op": "describe"}                {"metadata": JSON} or {"error": {...}}
    F + fd, {"op": "render", ...}             {"rendition": bool} or {"error": {...}}

Before its first answer the worker may ask {"sibling": name}; the pool replies one byte, with a descriptor or without.
It does not ask for the names that the request lists as "absent".
"""

import os
import resource
import socket
import sys
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import astuple, replace
from typing import Any

import numpy as np

from omnisearch import wire
from omnisearch.errors import MediaError
from omnisearch.media import sandbox
from omnisearch.media.decode import decode, describe
from omnisearch.media.file import MAX_SIBLING_BYTES, Source
from omnisearch.media.library_errors import as_media_error
from omnisearch.media.material.open_material import open_material
from omnisearch.media.material.wanted import Wanted
from omnisearch.media.piece_codec import pack, pack_end
from omnisearch.media.rendition import AnyRendition, parse_rendition
from omnisearch.media.segmentation import Segmentation
from omnisearch.query.slices import parse_slice
from omnisearch.types import Decoded, Piece
from omnisearch.wire import Message

MAX_SIBLINGS = 256


def main(fd: int, memory_bytes: int) -> None:
    """Serve the pool until it closes the socket."""
    sock = socket.socket(fileno=fd)
    layers = sandbox.enter(memory_bytes)
    warnings.simplefilter("ignore")
    wire.send(sock, Message({"layers": [astuple(layer) for layer in layers]}))
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
    size, shorter_side = os.fstat(file.fileno()).st_size, request.get("shorter_side")
    source = Source(
        file, size, request["name"], _Siblings(sock, request.get("absent", ())), part, shorter_side=shorter_side
    )
    match request["op"]:
        case "render":
            _answer_render(sock, source, parse_rendition(request["rendition"]))
        case "describe":
            _answer_describe(sock, source)
        case "material":
            _answer_pieces(sock, lambda: open_material(source, Wanted(**request["material"])))
        case _:
            _answer_pieces(sock, lambda: _decode(source, request))


def _answer_render(sock: socket.socket, source: Source, rendition: AnyRendition) -> None:
    from omnisearch.media.viewing import render

    try:
        made = render(source, rendition)
    except Exception as error:  # any exception of a library is an error of the file
        _refuse(sock, error)
        return
    arrays = {} if made is None else {"rendition": np.frombuffer(made, dtype=np.uint8)}
    wire.send(sock, Message({"rendition": made is not None}, arrays))


def _answer_describe(sock: socket.socket, source: Source) -> None:
    try:
        metadata = describe(source)
    except Exception as error:
        _refuse(sock, error)
        return
    wire.send(sock, Message({"metadata": metadata.as_json()}))


def _decode(source: Source, request: Mapping[str, Any]) -> Decoded:
    decoded = decode(source, Segmentation(**request["segmentation"]))
    if not request["preview"]:
        return replace(decoded, preview=lambda: None)
    from omnisearch.media.previews.from_pieces import with_preview

    return with_preview(decoded)


def _answer_pieces(sock: socket.socket, start: Callable[[], Decoded]) -> None:
    try:
        decoded = start()
    except Exception as error:
        _refuse(sock, error)
        return
    info = decoded.info
    row = {"modality": info.modality, "mime": info.mime, "duration": info.duration, "metadata": info.metadata.as_json()}
    wire.send(sock, Message({"info": row}))
    pieces: Iterator[Piece] = decoded.pieces
    while (request := wire.receive(sock, 0)) is not None and request.body["op"] == "next":
        try:
            piece = next(pieces, None)
        except Exception as error:
            _refuse(sock, error)
            return
        wire.send(sock, pack_end(decoded.notes, _preview(decoded)) if piece is None else pack(piece))
        if piece is None:
            return


def _preview(decoded: Decoded) -> bytes | None:
    try:
        return decoded.preview()
    except Exception:  # the pieces are good all the same
        return None


def _refuse(sock: socket.socket, error: Exception) -> None:
    refused: MediaError = as_media_error(error)
    wire.send(sock, Message({"error": {"reason": refused.reason, "detail": refused.detail}}))


class _Siblings:
    """Requests a file beside the decoded one from the pool, because a worker may not open files."""

    def __init__(self, sock: socket.socket, absent: Collection[str]) -> None:
        self._sock, self._absent = sock, frozenset(absent)
        self._files, self._bytes = MAX_SIBLINGS, MAX_SIBLING_BYTES

    def __call__(self, name: str, most: int = MAX_SIBLING_BYTES) -> bytes | None:
        """See `Sibling`."""
        if name in self._absent or self._files == 0 or self._bytes <= 0:
            return None
        self._files -= 1
        wire.send(self._sock, Message({"sibling": name}))
        _, fds, _, _ = socket.recv_fds(self._sock, 1, 1)
        if not fds:
            return None
        with open(fds[0], "rb") as file:  # noqa: PTH123
            if os.fstat(fds[0]).st_size > most:
                return None
            data = file.read(self._bytes)
        self._bytes -= len(data)
        return data


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
