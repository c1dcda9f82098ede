"""Encode pieces as messages from a worker to the pool; decode them with checks, because the worker is not trusted."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omnisearch.media.rendition import HEAD_BYTES, Rendition
from omnisearch.types import Clip, Content, Modality, Piece, PointCloud, Segment, Waveform
from omnisearch.wire import Message, WireError

MAX_RATE = 48_000
MAX_NOTES, MAX_NOTE = 8, 200
MAX_PART = 100  # characters of the name of a part


def pack(piece: Piece) -> Message:
    """Encode a piece as one message."""
    segment = piece.segment
    body: dict[str, Any] = {
        "segment": [segment.index, segment.start, segment.end, segment.unit, segment.part],
        "snippet": piece.snippet,
    }
    arrays: dict[str, NDArray[Any]] = {}
    content = piece.content
    match content:
        case str():
            body["text"] = content
        case Waveform():
            arrays["samples"], body["rate"] = content.samples, content.rate
        case Clip():
            arrays["frames"] = content.frames
            if content.sound is not None:
                arrays["samples"], body["rate"] = content.sound.samples, content.sound.rate
        case PointCloud():
            arrays["points"], arrays["views"] = content.points, content.views
            if content.colors is not None:
                arrays["colors"] = content.colors
        case _:
            arrays["pixels"] = content
    return Message({"piece": body}, arrays)


def unpack(message: Message, modality: Modality) -> Piece:
    """Decode a message into a piece; check every type, shape and range, because its sender is not trusted.

    Raises:
        WireError: the message is not a piece of this modality.
    """
    body = message.body["piece"]
    try:
        index, start, end, unit, part = body["segment"]
        if unit not in ("seconds", "characters", None) or (unit is None) != (start is None):
            raise WireError(f"a segment in {unit!r}")
        bounded = unit is not None
        name = _printable(part, MAX_PART)
        segment = Segment(int(index), float(start) if bounded else None, float(end) if bounded else None, unit, name)
        return Piece(segment, _content(message, body, modality), str(body["snippet"]))
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"not a piece of {modality}: {error!r}") from None


def pack_end(notes: Sequence[str], preview: bytes | None) -> Message:
    """Encode the end of a file."""
    arrays = {} if preview is None else {"preview": np.frombuffer(preview, np.uint8)}
    return Message({"end": list(notes)}, arrays)


def unpack_end(message: Message) -> tuple[list[str], bytes | None]:
    """Decode the end of a file: at most 8 notes of at most 200 printable characters, and the preview if there is one.

    Raises:
        WireError: the message does not end a file.
    """
    notes = message.body["end"]
    if not isinstance(notes, list):
        raise WireError(f"notes of type {type(notes).__name__}")
    return [_printable(note, MAX_NOTE) for note in notes[:MAX_NOTES]], _preview(message)


def _preview(message: Message) -> bytes | None:
    if "preview" not in message.arrays:
        return None
    made = _array(message, "preview", "uint8", (None,)).tobytes()
    if not Rendition.SMALL.is_whole(made[:HEAD_BYTES], len(made)):
        raise WireError("the preview is not a WebP file")
    return made


def _printable(text: Any, most: int) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(text)[:most])


def _content(message: Message, body: dict[str, Any], modality: Modality) -> Content:
    match modality:
        case Modality.TEXT:
            return str(body["text"])
        case Modality.IMAGE:
            return _array(message, "pixels", "uint8", (None, None, 3))
        case Modality.AUDIO:
            return _waveform(message, body)
        case Modality.VIDEO:
            sound = _waveform(message, body) if "samples" in message.arrays else None
            return Clip(_array(message, "frames", "uint8", (None, None, None, 3)), sound)
        case Modality.POINT_CLOUD:
            points = _array(message, "points", "float32", (None, 3))
            colors = _array(message, "colors", "float32", (len(points), 3)) if "colors" in message.arrays else None
            return PointCloud(points, colors, _array(message, "views", "uint8", (None, None, None, 3)))


def _waveform(message: Message, body: dict[str, Any]) -> Waveform:
    rate = int(body["rate"])
    if not 0 < rate <= MAX_RATE:
        raise WireError(f"a sample rate of {rate} Hz")
    return Waveform(_array(message, "samples", "float32", (None,)), rate)


def _array(message: Message, name: str, dtype: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
    array = message.arrays[name]
    fits = len(array.shape) == len(shape) and all(want in (None, n) for n, want in zip(array.shape, shape, strict=True))
    if array.dtype != dtype or not fits or array.size == 0:
        raise WireError(f"{name} is {array.dtype} {array.shape}, expected {dtype} {shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise WireError(f"{name} holds numbers that are not finite")
    return array
