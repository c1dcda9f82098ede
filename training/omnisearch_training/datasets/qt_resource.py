"""Qt's compiled resource files (.rcc): a tree of names over compressed data.

Layout after Qt's rcc tool, formats 1 to 3: a header of big-endian offsets, nodes of 14 bytes (22 from format 2 on),
names in UTF-16 after a hash, and data after its length, plain or compressed by zlib.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

_COMPRESSED, _FOLDER, _ZSTD = 1, 2, 4


def resources(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (path inside, content) of every file of a resource file, except those packed with Zstandard.

    Raises:
        ValueError: the file is not a resource file.
    """
    packed = path.read_bytes()
    if packed[:4] != b"qres":
        raise ValueError(f"{path} is not a Qt resource file")
    version, tree, data, names = struct.unpack_from(">IIII", packed, 4)
    size = 14 if version == 1 else 22

    def name_at(offset: int) -> str:
        length = struct.unpack_from(">H", packed, names + offset)[0]
        start = names + offset + 6
        return packed[start : start + 2 * length].decode("utf-16-be")

    def walk(node: int, prefix: str) -> Iterator[tuple[str, bytes]]:
        name, flags = struct.unpack_from(">IH", packed, tree + node * size)
        here = f"{prefix}{name_at(name)}" if node else ""
        if flags & _FOLDER:
            count, first = struct.unpack_from(">II", packed, tree + node * size + 6)
            for child in range(first, first + count):
                yield from walk(child, f"{here}/" if here else "")
        elif not flags & _ZSTD:
            start = data + struct.unpack_from(">I", packed, tree + node * size + 10)[0]
            length = struct.unpack_from(">I", packed, start)[0]
            content = packed[start + 4 : start + 4 + length]
            yield here, zlib.decompress(content[4:]) if flags & _COMPRESSED else content

    yield from walk(0, "")
