"""Files in memory, for libraries that insist on a path: a decoder has no folder of its own."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def memory_file(data: bytes) -> Iterator[str]:
    """The path of an anonymous file with this content, which vanishes with the block."""
    fd = os.memfd_create("omnisearch", os.MFD_CLOEXEC)
    try:
        with memory_writes(), open(fd, "wb", closefd=False) as file:
            file.write(data)
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


@contextmanager
def memory_writes() -> Iterator[None]:
    """Lift the limit on the size of written files, which is zero in a decoder and counts files in memory too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
