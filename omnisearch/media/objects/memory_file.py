"""A path for libraries that insist on one: a file in memory, so that a decoder needs no folder of its own."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def memory_file(data: bytes) -> Iterator[str]:
    """The path of an anonymous file with this content, which vanishes with the block.

    A decoder may not write files: its limit is lifted while the memory is filled, as that counts as writing.
    """
    fd = os.memfd_create("omnisearch", os.MFD_CLOEXEC)
    try:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        try:
            with open(fd, "wb", closefd=False) as file:
                file.write(data)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)
