"""A content that lies in the memory of a node until an encoder reads it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class RemoteContent:
    """The reference to a content of `nbytes` bytes. It stands for the content in a piece of a cluster's files."""

    ref: Any
    nbytes: int
