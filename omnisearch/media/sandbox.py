"""The sandbox of a decoder process: independent layers that it applies before it reads its first file.

A layer that the kernel or the container does not grant is reported and skipped. The others work without it.
"""

import contextlib
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from omnisearch.media import landlock, libc, seccomp

# The decoded file, the socket, standard streams, and files that imports open.
OPEN_FILES = 64
# Libraries that accept only a path read a file in memory (memfd_create), which may be as large as a 3D file.
MEMORY_FILE_BYTES = 128 << 20
_PACKAGE = Path(__file__).resolve().parents[1]
# Shared libraries, fonts for drawings that hold text, and the table that `mimetypes` reads.
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/etc/ld.so.cache"),
    *("/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/fontconfig", "/etc/fonts"),
    *("/etc/mime.types", "/dev/null", "/dev/urandom"),
)
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_NO_NEW_PRIVS = 38


@dataclass(frozen=True)
class Layer:
    """One layer. `detail` lists what an active layer covers, or gives the reason why an inactive one failed."""

    name: str
    active: bool
    detail: str


def enter(memory_bytes: int, readable: Iterable[str] = ()) -> list[Layer]:
    """Apply every layer to this process, which must have only one thread. Returns the layers, active or not.

    It may read the `readable` paths beside Python's own files.
    """
    sys.dont_write_bytecode = True
    return [_apply(name, layer) for name, layer in layers(memory_bytes, readable).items()]


def layers(memory_bytes: int, readable: Iterable[str] = ()) -> Mapping[str, Callable[[], str]]:
    """The layers in the order of their application: later layers refuse operations that earlier ones need."""
    return {
        "limits": lambda: _limit(memory_bytes),
        "no_new_privs": _no_new_privileges,
        "network_namespace": _leave_network,
        "landlock": lambda: _close_files(readable),
        "seccomp": seccomp.install,
    }


def environment() -> dict[str, str]:
    """The environment variables of a decoder process: only those that Python and its libraries need."""
    kept = ("LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "PYTHONHOME")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PYTHONPATH": os.pathsep.join(filter(None, [str(_PACKAGE.parent), os.environ.get("PYTHONPATH")])),
        "PYTHONUSERBASE": site.getuserbase(),  # HOME is not passed on, so Python cannot find it
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _apply(name: str, layer: Callable[[], str]) -> Layer:
    try:
        return Layer(name, True, layer())
    except (OSError, ValueError) as error:
        return Layer(name, False, getattr(error, "strerror", None) or str(error))


def _limit(memory_bytes: int) -> str:
    import resource  # missing on Windows

    _set_limit(resource.RLIMIT_CORE, 0)
    _set_limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _set_limit(resource.RLIMIT_FSIZE, MEMORY_FILE_BYTES)
    _set_limit(resource.RLIMIT_AS, memory_bytes)
    return f"{memory_bytes >> 20} MiB of memory, {OPEN_FILES} open files, {MEMORY_FILE_BYTES >> 20} MiB a file"


def _set_limit(kind: int, value: int) -> None:
    import resource

    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _no_new_privileges() -> str:
    libc.call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return "no program with more rights"


def _leave_network() -> str:
    """Enter a network namespace without interfaces.

    Root needs no user namespace for this. In a user namespace, root could not read another user's private libraries.
    """
    with contextlib.suppress(OSError):
        libc.call("unshare", _CLONE_NEWNET)
        return "no network interface"
    libc.call("unshare", _CLONE_NEWUSER | _CLONE_NEWNET)
    return "no network interface"


def _close_files(readable: Iterable[str]) -> str:
    """Allow reading only Python's own files and the `readable` ones.

    Without Landlock, forbid all writes to files, even in memory.

    Raises:
        OSError: see `landlock.restrict`.
    """
    import resource

    try:
        return landlock.restrict([*_readable(), *readable])
    except OSError:
        _set_limit(resource.RLIMIT_FSIZE, 0)
        raise


def _readable() -> Iterator[str]:
    """The paths of Python and its extension modules: decoders import libraries when a file first needs them."""
    folders = sysconfig.get_paths()
    yield from (folders[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    yield str(Path(folders["stdlib"]).parent)  # the interpreter's shared libraries
    yield str(_PACKAGE)
    installed = _PACKAGE.parent.name in ("site-packages", "dist-packages")
    # Allow only the packages in a checkout, because it may also hold a user's files.
    yield from (entry for entry in sys.path if installed or Path(entry).resolve() != _PACKAGE.parent)
    yield from os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    yield from _SYSTEM
