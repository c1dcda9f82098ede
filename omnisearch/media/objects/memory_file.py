"""Files in memory, for libraries that accept only a path: a decoder process cannot write to any folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def memory_file(data: bytes) -> Iterator[str]:
    """Yield the path of an anonymous file with this content, which is deleted at the end of the block.

    The sandbox allows such files up to 128 MiB, and none on a system without Landlock.
    """
    fd = os.memfd_create("omnisearch", os.MFD_CLOEXEC)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)
