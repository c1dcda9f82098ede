"""Replace files atomically, and make written data survive a power cut."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def sync(path: Path) -> None:
    """Make a file's bytes, or the names in a directory, durable: a rename is not, until its directory is."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def written_aside(path: Path, durable: bool = True) -> Iterator[Path]:
    """Yield a path beside `path` to write a file to, which replaces the file at `path` when the block succeeds.

    Readers see the old or the new file, never a part. The new one is durable on return; if not `durable`, a power cut
    may leave a part. If the block fails, what it wrote is deleted.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        yield aside
        if durable:
            sync(aside)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)


def replace_file(path: Path, content: str | bytes, mode: int = 0o666, durable: bool = True) -> None:
    """Replace the file at `path` atomically by `content`; text is UTF-8.

    `mode` are the permissions of the new file, less those of the umask. `durable` as in `written_aside`.
    """
    with (
        written_aside(path, durable) as aside,
        open(aside, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as handle,
    ):
        handle.write(content.encode() if isinstance(content, str) else content)
