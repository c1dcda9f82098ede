"""Progress on stderr: a bar with rate and time left on a terminal, else a line now and then."""

import time
from types import TracebackType
from typing import Protocol, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from omnisearch.console import err

LINE_SECONDS = 10.0


class Meter(Protocol):
    """What a run tells of its advance."""

    def start(self, total: int) -> None:
        """So many are to be done."""
        ...

    def advance(self, count: int = 1) -> None:
        """So many of them are done."""
        ...


class Bar:
    """The Meter of a terminal: `doing` is the run's name, `unit` what it counts."""

    def __init__(self, doing: str, unit: str) -> None:
        self._doing, self._unit = doing, unit
        self._done, self._total, self._begun, self._told = 0, 0, 0.0, 0.0
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def start(self, total: int) -> None:
        """So many are to be done."""
        self._done, self._total = 0, total
        self._begun = self._told = time.monotonic()
        if total and err.is_terminal:
            rate = TextColumn("{task.fields[rate]}")
            columns = (BarColumn(), MofNCompleteColumn(), TaskProgressColumn(), rate, TimeRemainingColumn())
            self._bar = Progress(TextColumn(self._doing), *columns, console=err, transient=True)
            self._bar.add_task("", total=total, rate="")
            self._bar.start()

    def advance(self, count: int = 1) -> None:
        """So many of them are done."""
        self._done += count
        now = time.monotonic()
        rate = self._done / max(now - self._begun, 1e-3)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done, rate=f"{rate:.1f} {self._unit}/s")
        elif now - self._told >= LINE_SECONDS:
            self._told = now
            left = (self._total - self._done) / rate
            err.print(f"{self._done:,} of {self._total:,} {self._unit}, {rate:.1f} {self._unit}/s, {left:.0f} s left")
