"""Translate errors of the system into reasons why a file or folder cannot be read."""

import errno
import os

from omnisearch.errors import MediaError, Reason

_REASONS = {
    errno.ENOENT: Reason.VANISHED,
    errno.ENOTDIR: Reason.VANISHED,
    errno.EACCES: Reason.PERMISSION,
    errno.EPERM: Reason.PERMISSION,
    errno.ELOOP: Reason.LINK_LOOP,
    errno.ENXIO: Reason.NOT_REGULAR,
}


def reason_of(error: OSError) -> Reason:
    """Return the reason why a file or folder cannot be read. Other system errors, such as EIO, are `unreadable`."""
    return _REASONS.get(error.errno or 0, Reason.UNREADABLE)


def reason_and_detail(error: MediaError | OSError) -> tuple[Reason, str]:
    """Return the reason why a file or folder cannot be read, and its detail."""
    if isinstance(error, MediaError):
        return error.reason, error.detail
    return reason_of(error), os.strerror(error.errno or 0)
