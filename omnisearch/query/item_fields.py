"""The fields of an item that conditions read."""

from collections.abc import Mapping
from typing import Protocol

from omnisearch.metadata import Metadata


class ItemFields(Protocol):
    """The fields that conditions read; the payload of a point has them."""

    @property
    def path(self) -> str:
        """The path of its file."""
        ...

    @property
    def mime(self) -> str:
        """Its MIME type."""
        ...

    @property
    def size(self) -> int:
        """Its size in bytes."""
        ...

    @property
    def duration(self) -> float | None:
        """Its length in seconds; None if it has none."""
        ...

    @property
    def mtime(self) -> float:
        """The time of its last change, in seconds since 1970."""
        ...

    @property
    def date(self) -> float:
        """The time at which it was made, or if that is unknown, the time of its last change."""
        ...

    @property
    def added(self) -> float:
        """The time at which it was added to the index, in seconds since 1970."""
        ...

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags."""
        ...

    @property
    def meta(self) -> Mapping[str, str]:
        """Its labels of the form KEY=VALUE."""
        ...

    @property
    def metadata(self) -> Metadata:
        """What its file says of itself."""
        ...

    @property
    def has(self) -> tuple[str, ...]:
        """What was read in its pictures and sound: speech, text."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of what was read."""
        ...
