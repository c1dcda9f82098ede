"""One message between two of our processes: a JSON head and named arrays, over a stream socket.

Nothing is pickled: a worker that was taken over by a hostile file can send wrong numbers, never code. Strings are
valid Unicode on arrival: `send` replaces lone surrogates by "?", and `receive` refuses them.

    4 bytes   length of the head, little endian
    head      JSON {"body": {...}, "arrays": [[name, dtype, shape], ...]}
    arrays    their bytes, C order, in the head's order
"""

import json
import select
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import PydanticSerializationError, from_json, to_json

from omnisearch.errors import OmnisearchError

MAX_HEAD = 64 << 20
MOST_PARTS = 64  # of one system call; Linux takes up to 1,024
DTYPES = {"float32", "float64", "uint8", "int64"}
_NAMES = {np.dtype(name): name for name in DTYPES}  # cached, because numpy computes the name of a type at each access


class WireError(OmnisearchError):
    """The other side closed the stream or sent something that is not a message."""

    code = "wire"


class WireTimeoutError(WireError):
    """The other side did not answer in time."""

    code = "wire_timeout"


@dataclass(frozen=True, eq=False)
class Message:
    """`body` is any JSON object; `arrays` hold what JSON should not."""

    body: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


def send(sock: socket.socket, message: Message) -> None:
    """Write one message.

    Raises:
        WireError: the other side is gone.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in message.arrays.items()}
    listing = [[name, _NAMES.get(array.dtype) or str(array.dtype), array.shape] for name, array in arrays.items()]
    head = _as_json({"body": message.body, "arrays": listing})
    try:
        parts = [array.data.cast("B") for array in arrays.values() if array.size]
        _send_all(sock, [memoryview(struct.pack("<I", len(head)) + head), *parts])
    except OSError as error:
        raise _gone(error) from None


def receive(sock: socket.socket, max_bytes: int, ends: float | None = None) -> Message | None:
    """Read one message, or None where the other side closed cleanly between messages.

    `ends` is a time of the monotonic clock.

    Raises:
        WireError: the stream ended inside a message, or the message is malformed or larger than `max_bytes`.
        WireTimeoutError: the message was not complete when the time `ends` came.
    """
    first = _read(sock, 4, ends, at_start=True)
    if first is None:
        return None
    (length,) = struct.unpack("<I", first)
    if length > MAX_HEAD:
        raise WireError(f"a head of {length} bytes is over the limit of {MAX_HEAD}")
    try:
        head = from_json(bytes(_read(sock, length, ends) or b""))
        listing = [(str(name), str(dtype), tuple(int(n) for n in shape)) for name, dtype, shape in head["arrays"]]
        body = dict(head["body"])
    except (ValueError, KeyError, TypeError) as error:
        raise WireError(f"not a message: {error}") from None
    arrays: dict[str, NDArray[Any]] = {}
    for name, dtype, shape in listing:
        if dtype not in DTYPES or any(n < 0 for n in shape):
            raise WireError(f"array {name!r} has dtype {dtype} and shape {shape}")
        size = int(np.dtype(dtype).itemsize * np.prod(shape, dtype=object))
        max_bytes -= size
        if max_bytes < 0:
            raise WireError(f"array {name!r} of {size} bytes is over the limit")
        data = _read(sock, size, ends) or b""
        arrays[name] = np.frombuffer(data, dtype=dtype).reshape(shape)
    return Message(body, arrays)


def _as_json(head: Mapping[str, Any]) -> bytes:
    try:
        return to_json(head)  # in a third of the time of json.dumps
    except PydanticSerializationError:  # a hostile file may name its parts by half a character
        return json.dumps(head, ensure_ascii=False).encode(errors="replace")


def _send_all(sock: socket.socket, parts: list[memoryview]) -> None:
    """Send the bytes of several parts together: a part alone would wake the other side before the rest is there."""
    while parts:
        sent = sock.sendmsg(parts[:MOST_PARTS])
        while parts and sent >= len(parts[0]):
            sent -= len(parts.pop(0))
        if sent:
            parts[0] = parts[0][sent:]


def _read(sock: socket.socket, size: int, ends: float | None, at_start: bool = False) -> bytearray | None:
    data = bytearray(size)
    view, got = memoryview(data), 0
    while got < size:
        try:
            n = sock.recv_into(view[got:]) if ends is None else _read_until(sock, view[got:], ends)
        except OSError as error:
            raise _gone(error) from None
        if n == 0:
            if at_start and got == 0:
                return None
            raise WireError(f"the stream ended after {got} of {size} bytes")
        got += n
    return data


def _read_until(sock: socket.socket, view: memoryview, ends: float) -> int:
    """Read some bytes. The time-out of the socket stays as it is, because it is also that of sending."""
    while True:
        try:
            return sock.recv_into(view, 0, socket.MSG_DONTWAIT)
        except BlockingIOError:
            ready = select.poll()
            ready.register(sock, select.POLLIN)
            if not ready.poll(1000 * max(ends - time.monotonic(), 0.0)):
                raise TimeoutError("it sent only a part of a message") from None


def _gone(error: OSError) -> WireError:
    kind = WireTimeoutError if isinstance(error, TimeoutError) else WireError
    return kind(f"the other process is gone: {error}")
