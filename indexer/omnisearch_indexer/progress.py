"""Progress on stderr: a bar with rate and time left on a terminal, else a line now and then."""

import time
from types import TracebackType
from typing import Literal, Protocol, Self

from rich.filesize import decimal
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from omnisearch.console import err

LINE_SECONDS = 10.0


class Meter(Protocol):
    """What a run tells of its advance, as an amount of work; `files` are counted beside it."""

    def start(self, total: int, files: int = 0) -> None:
        """So much is to be done."""
        ...

    def advance(self, count: int, files: int = 0) -> None:
        """So much of it is done; negative where work must be done again."""
        ...


class Bar:
    """The Meter of a terminal: `doing` is the run's name, `unit` the measure of its work."""

    def __init__(self, doing: str, unit: Literal["bytes", "points"]) -> None:
        self._doing, self._unit = doing, unit
        self._done, self._total, self._files, self._all_files = 0, 0, 0, 0
        self._begun, self._told = 0.0, 0.0
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def start(self, total: int, files: int = 0) -> None:
        """So much is to be done."""
        self._done, self._total, self._files, self._all_files = 0, total, 0, files
        self._begun = self._told = time.monotonic()
        if total and err.is_terminal:
            columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[text]}"), TimeRemainingColumn())
            self._bar = Progress(TextColumn(self._doing), *columns, console=err, transient=True)
            self._bar.add_task("", total=total, text="")
            self._bar.start()

    def advance(self, count: int, files: int = 0) -> None:
        """So much of it is done; negative where work must be done again."""
        self._done += count
        self._files += files
        now = time.monotonic()
        rate = self._done / max(now - self._begun, 1e-3)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done, text=self._text(rate))
        elif now - self._told >= LINE_SECONDS:
            self._told = now
            left = f", {(self._total - self._done) / rate:.0f} s left" if rate > 0 else ""
            err.print(self._text(rate) + left)

    def _text(self, rate: float) -> str:
        files = f"{self._files:,} of {self._all_files:,} files, " if self._all_files else ""
        return f"{files}{self._measure(self._done)} of {self._measure(self._total)}, {self._measure(rate)}/s"

    def _measure(self, amount: float) -> str:
        return decimal(int(amount)) if self._unit == "bytes" else f"{amount:,.0f} {self._unit}"
