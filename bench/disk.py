"""The sizes of folders on the disk."""

from pathlib import Path


def size_mib(folder: Path) -> float:
    """Return what the files of a folder take on the disk."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if path.is_file()) / 2**20
