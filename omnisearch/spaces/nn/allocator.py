"""Keep large CPU memory blocks in the process between forward passes.

By default glibc allocates every block above a threshold (at most 32 MB) with mmap and frees it with munmap, so the
pages of each large activation are mapped again: more than half the time of a forward pass. See `bench/encoders.py`.
"""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # <malloc.h>
_LARGE = 1 << 30
_PAD = 64 << 20


def keep_large_blocks() -> bool:
    """Tell the C library to keep freed memory for reuse; return whether it did (only glibc has the call)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # musl
        return False
    wanted = ((_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, _LARGE), (_M_TOP_PAD, _PAD))
    answers = [mallopt(parameter, value) for parameter, value in wanted]
    return all(answers)
