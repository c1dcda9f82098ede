"""Meters: receive the progress of a run."""

from typing import Protocol


class Meter(Protocol):
    """Receives the progress of a run as an amount of work, and as a number of `files`."""

    def start(self, total: int, files: int = 0) -> None:
        """So much is to be done."""
        ...

    def advance(self, count: int, files: int = 0) -> None:
        """So much of it is done; negative where work must be done again."""
        ...


class Silent:
    """A meter that shows nothing."""

    def start(self, total: int, files: int = 0) -> None:
        """See `Meter.start`."""

    def advance(self, count: int, files: int = 0) -> None:
        """See `Meter.advance`."""


SILENT = Silent()
