"""The group files of OpenClonk: folders in one file, gzipped under another magic number, with scrambled headers."""

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path

from omnisearch.errors import UsageError

# C4GroupHeader and C4GroupEntryCore of the engine (C4Group.h): the sizes and offsets of the fields read here.
_MAGIC = b"\x1e\x8c"
_HEADER, _ENTRY = 204, 316
_COUNT_AT, _FIELDS_AT = 36, 264
_KEY = 237


def files_of(group: Path) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of every file in a group and its nested groups; the extensions of groups are removed.

    Raises:
        UsageError: it is not a group file.
    """
    packed = group.read_bytes()
    if packed[:2] != _MAGIC:
        raise UsageError(f"{group} is not a group file of OpenClonk: it begins with {packed[:2]!r}")
    yield from _walk(gzip.decompress(b"\x1f\x8b" + packed[2:]))


def _walk(content: bytes) -> Iterator[tuple[str, bytes]]:
    (count,) = struct.unpack_from("<i", _unscrambled(content[:_HEADER]), _COUNT_AT)
    media = _HEADER + _ENTRY * count
    for entry in range(_HEADER, media, _ENTRY):
        name = content[entry : entry + 260].split(b"\0")[0].decode("latin-1")
        is_group, size, _, offset = struct.unpack_from("<4i", content, entry + _FIELDS_AT)
        inner = content[media + offset : media + offset + size]
        if is_group:
            yield from ((f"{name.rpartition('.')[0]}/{path}", file) for path, file in _walk(inner))
        else:
            yield name, inner


def _unscrambled(header: bytes) -> bytes:
    plain = bytearray(byte ^ _KEY for byte in header)
    for at in range(0, len(plain) - 2, 3):
        plain[at], plain[at + 2] = plain[at + 2], plain[at]
    return bytes(plain)
