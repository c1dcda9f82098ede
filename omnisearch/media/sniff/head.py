"""The first bytes of a file, which its format is recognised by."""

from dataclasses import dataclass
from functools import cached_property

from omnisearch.media.file import Source

BYTES = 65536


@dataclass(frozen=True)
class FileHead:
    """The first 64 KiB of a file, its size in bytes, and the extension of its name with its dot."""

    data: bytes
    size: int
    suffix: str

    @classmethod
    def read(cls, source: Source) -> "FileHead":
        """Read the head of a file and put the file position back to the start."""
        source.file.seek(0)
        data = source.file.read(BYTES)
        source.file.seek(0)
        return cls(data, source.size, source.suffix)

    @cached_property
    def text(self) -> str | None:
        """The head as UTF-8 text. None if it is not UTF-8 or holds a zero byte."""
        if b"\0" in self.data:
            return None
        for cut in range(4):  # the 64 KiB may end inside a character
            try:
                return self.data[: len(self.data) - cut].decode()
            except UnicodeDecodeError:
                if len(self.data) < BYTES:
                    return None
        return None

    def starts(self, magic: tuple[tuple[bytes, str], ...]) -> str | None:
        """The format whose magic bytes the file starts with."""
        return next((name for start, name in magic if self.data.startswith(start)), None)
