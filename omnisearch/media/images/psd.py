"""Photoshop files: read the merged picture, which is stored beside the layers."""

import struct
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.images.limits import check_size
from omnisearch.media.images.partial import broken
from omnisearch.media.kinds import Kind

_HEADER = struct.Struct(">4sH6xHIIHH")
_MAX_CHANNELS = 56
_LARGE = 2  # the version of a PSB, whose lengths have more bytes
_RAW, _RLE = 0, 1


def read(source: Source, kind: Kind, notes: list[str]) -> tuple[Image.Image, tuple[int, int]]:
    """Read the merged picture, or the thumbnail if the merged picture is missing or incomplete.

    Raises:
        MediaError: too_many_pixels, degenerate_aspect, unsupported_format or damaged.
    """
    from psd_tools import PSDImage

    sides, complete = _checked(source.file)
    source.file.seek(0)
    try:
        document: Any = PSDImage.open(source.file)
        has_merged = document.has_preview()
        picture = document.topil(apply_icc=False) if complete and has_merged else document.thumbnail()
    except (MemoryError, MediaError):
        raise
    except Exception:
        raise broken(kind) from None
    if picture is None and complete and not has_merged:
        detail = "the file has no merged picture: save it with `Maximize compatibility`"
        raise MediaError(Reason.UNSUPPORTED_FORMAT, detail)
    if picture is None:
        raise MediaError(Reason.DAMAGED, f"{kind.format}: the file ends within the merged picture")
    if not (complete and has_merged):
        notes.append(f"partly read: only the preview of {picture.width} x {picture.height} pixels")
    return picture, sides


def _checked(file: BinaryIO) -> tuple[tuple[int, int], bool]:
    """The width and height, and whether the merged picture is complete, by the size of its compressed data."""
    try:
        file.seek(0)
        _, version, channels, height, width, depth, _ = _HEADER.unpack(file.read(_HEADER.size))
        check_size(width, height)
        if not 1 <= channels <= _MAX_CHANNELS:
            raise MediaError(Reason.DAMAGED, f"psd: {channels} channels")
        wide = version == _LARGE
        for length in (">I", ">I", ">Q" if wide else ">I"):  # colours, resources, layers
            (skipped,) = struct.unpack(length, file.read(struct.calcsize(length)))
            file.seek(min(skipped, 1 << 40), 1)
        (compression,) = struct.unpack(">H", file.read(2))
    except struct.error:
        raise MediaError(Reason.DAMAGED, "psd: the file ends too early") from None
    needed = 0
    if compression == _RAW:
        needed = channels * height * ((width * depth + 7) // 8)
    elif compression == _RLE:
        table = file.read(channels * height * (4 if wide else 2))
        if len(table) < channels * height * (4 if wide else 2):
            return (width, height), False
        needed = int(np.frombuffer(table, ">u4" if wide else ">u2").sum())
    start = file.tell()
    return (width, height), file.seek(0, 2) - start >= needed
