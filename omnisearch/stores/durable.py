"""Make written data survive a power cut."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Make a file's bytes, or the names in a directory, durable: a rename is not, until its directory is."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, content: str | bytes, mode: int = 0o666) -> None:
    """Replace the file at `path` atomically: readers see the old or the new content, never a part. Text is UTF-8.

    `mode` are the permissions of the new file, less those of the umask.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(aside, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as handle:
            handle.write(content.encode() if isinstance(content, str) else content)
            handle.flush()
            os.fsync(handle.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync(path.parent)
