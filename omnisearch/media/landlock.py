"""Landlock: deny this process all files except the named ones, TCP ports, and signals.

Source of the numbers: include/uapi/linux/landlock.h. A kernel of ABI n has all rights of the versions up to n.
"""

import os
import stat
import struct
from collections.abc import Iterable

from omnisearch.media import libc

# The same numbers on every architecture that Landlock is built for.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1
_PATH_BENEATH = 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# The number of bits of each field per version: rights on files, on TCP ports (bind, connect), and scopes
# (abstract Unix sockets, signals).
_FIRST = (13, 0, 0)
_BITS = {2: (14, 0, 0), 3: (15, 0, 0), 4: (15, 2, 0), 5: (16, 2, 0), 6: (16, 2, 2)}


def restrict(readable: Iterable[str]) -> str:
    """Allow reading at and below the `readable` paths; refuse all other reading, and all writing and executing.

    A path that does not exist is skipped. The process must have set no_new_privs and must have one thread. Open files
    stay usable, and `stat` is not restricted.

    Returns:
        The version of Landlock in this kernel, and the operations that it covers.

    Raises:
        OSError: the kernel has no Landlock, or it is turned off.
    """
    version = libc.call("syscall", _CREATE_RULESET, 0, 0, _VERSION)
    bits = _BITS.get(min(version, max(_BITS)), _FIRST)
    handled = struct.pack("=QQQ", *((1 << count) - 1 for count in bits))
    # The kernel refuses unknown fields unless they are 0.
    rules = libc.call("syscall", _CREATE_RULESET, handled, len(handled), 0)
    try:
        for path in readable:
            _allow_reading(rules, path)
        libc.call("syscall", _RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)
    covered = ["files", *(["TCP"] if bits[1] else []), *(["signals", "abstract sockets"] if bits[2] else [])]
    return f"ABI {version}: {', '.join(covered)}"


def _allow_reading(rules: int, path: str) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        # The kernel refuses folder rights in a rule for a file.
        access = _READ_FILE | _READ_DIR if stat.S_ISDIR(os.fstat(fd).st_mode) else _READ_FILE
        libc.call("syscall", _ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", access, fd), 0)
    finally:
        os.close(fd)
