"""Files in memory, for libraries that insist on a path: a decoder has no folder of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def memory_file(data: bytes) -> Iterator[str]:
    """The path of an anonymous file with this content, which vanishes with the block.

    The sandbox allows such files up to 128 MiB, and none on a system without Landlock.
    """
    fd = os.memfd_create("omnisearch", os.MFD_CLOEXEC)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)
