"""Meters: receive the progress of a run."""

from typing import Protocol


class Meter(Protocol):
    """Receives the progress of a run as an amount of work, and as a number of `files`."""

    def start(self, total: int, files: int = 0) -> None:
        """Set the total amount of work."""
        ...

    def advance(self, count: int, files: int = 0) -> None:
        """Add to the amount of work done; negative if work must be repeated."""
        ...


class Silent:
    """A meter that shows nothing."""

    def start(self, total: int, files: int = 0) -> None:
        """See `Meter.start`."""

    def advance(self, count: int, files: int = 0) -> None:
        """See `Meter.advance`."""


SILENT = Silent()
