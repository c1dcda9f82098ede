"""Keeps large CPU blocks inside the process between forward passes.

By default glibc serves every block above 32 MB at most by mmap and gives it back by munmap, so each big activation of a
convolution is paged in anew: more than half the time of a forward pass. `bench/encoders.py` measures the difference.
"""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3  # <malloc.h>
_LARGE = 1 << 30
_PAD = 64 << 20


def keep_large_blocks() -> bool:
    """Tell the C library to keep freed memory for reuse; return whether it agreed (glibc alone has the call)."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # musl
        return False
    wanted = ((_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, _LARGE), (_M_TOP_PAD, _PAD))
    answers = [mallopt(parameter, value) for parameter, value in wanted]
    return all(answers)
