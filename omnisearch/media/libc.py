"""Call functions of the C library that Python does not wrap."""

import ctypes
import errno
import os


def call(function: str, *arguments: int | bytes) -> int:
    """Call `function` of the C library; an integer is passed as a long, bytes as a pointer to them.

    Raises:
        OSError: it returned -1, or this platform has no such function.
    """
    try:
        run = getattr(ctypes.CDLL(None, use_errno=True), function)
    except (AttributeError, TypeError):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), function) from None
    result = int(run(*(ctypes.c_long(value) if isinstance(value, int) else value for value in arguments)))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), function)
    return result
