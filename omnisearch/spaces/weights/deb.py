"""Read a file of a Debian package: an `ar` archive of a few members, one of which is a compressed tar of the files.

Format: deb(5). Nothing of the package is unpacked or run.
"""

import lzma
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_MAGIC = b"!<arch>\n"
_HEADER = 60  # bytes: name 16, times and owner 32, size 10, two bytes that end it


@contextmanager
def open_member(package: Path, member: str, size: int | None) -> Iterator[IO[bytes]]:
    """Open a file of a package, whose path is that after the installation without its first slash.

    Raises:
        OSError: the package is no Debian package, or has no regular file at that path of `size` bytes.
    """
    with package.open("rb") as archive:
        _find_data(archive)
        try:
            with tarfile.open(fileobj=archive, mode="r|xz") as files:
                for info in files:
                    if info.name.removeprefix("./") == member:
                        file = files.extractfile(info)
                        if file is None or (size is not None and info.size != size):
                            raise OSError(f"it is no file of {size} bytes in the package")
                        yield file
                        return
        except (tarfile.TarError, lzma.LZMAError, EOFError) as error:
            raise OSError(f"the package is damaged: {error}") from None
    raise OSError("the package does not have it")


def _find_data(archive: IO[bytes]) -> None:
    """Go to the start of the member `data.tar.xz`."""
    if archive.read(len(_MAGIC)) != _MAGIC:
        raise OSError("not a Debian package")
    while len(header := archive.read(_HEADER)) == _HEADER:
        name, size = header[:16].decode("latin-1").rstrip(" /"), header[48:58].decode("latin-1").strip()
        if name == "data.tar.xz":
            return
        if not size.isdecimal():
            break
        archive.seek(int(size) + int(size) % 2, 1)  # members begin at even offsets
    raise OSError("not a Debian package with data.tar.xz")
