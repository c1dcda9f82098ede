"""A progress bar on stderr, with rate and time left. Without a terminal, a line every few seconds."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from omnisearch.cli.console import err

if TYPE_CHECKING:
    from rich.progress import Progress

FIRST_SHARE = 0.05  # share of the work before which no remaining time is shown
LINE_SECONDS = 10.0


class Bar:
    """Shows progress on a terminal; `doing` names the task, `unit` is the unit of its work.

    It takes the place of the bar `after`, which belongs to an earlier task.
    """

    def __init__(
        self, doing: str, unit: Literal["bytes", "points", "samples", "items"], after: "Bar | None" = None
    ) -> None:
        self._doing, self._unit, self._after = doing, unit, after
        self._done, self._total, self._files, self._all_files = 0, 0, 0, 0
        self._begun, self._told = 0.0, 0.0
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Remove the bar from the terminal; safe to call twice."""
        if self._bar is not None:
            self._bar.stop()

    def start(self, total: int, files: int = 0) -> None:
        """Set the total amount of work."""
        self._done, self._total, self._files, self._all_files = 0, total, 0, files
        self._begun = self._told = time.monotonic()
        self.stop()
        if self._after is not None:
            self._after.stop()
        if total and err.console.is_terminal:
            from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

            columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[text]}"), TimeRemainingColumn())
            self._bar = Progress(TextColumn(self._doing), *columns, console=err.console, transient=True)
            self._bar.add_task("", total=1.0, text="")
            self._bar.start()

    def advance(self, count: int, files: int = 0) -> None:
        """Add to the amount of work done; negative if work must be repeated."""
        self._done += count
        self._files += files
        now = time.monotonic()
        rate = self._done / max(now - self._begun, 1e-3)
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._share(), text=self._text(rate))
        elif now - self._told >= LINE_SECONDS:
            self._told = now
            share = self._share()
            left = f", {(now - self._begun) * (1 - share) / share:.0f} s left" if share >= FIRST_SHARE else ""
            err.print(self._text(rate) + left)

    def _share(self) -> float:
        """The share that is done. A file takes time for itself and for its bytes, and small files come first."""
        shares = [done / of for done, of in ((self._done, self._total), (self._files, self._all_files)) if of]
        return sum(shares) / len(shares) if shares else 0.0

    def _text(self, rate: float) -> str:
        files = f"{self._files:,} of {self._all_files:,} files, " if self._all_files else ""
        return f"{files}{self._measure(self._done)} of {self._measure(self._total)}, {self._measure(rate)}/s"

    def _measure(self, amount: float) -> str:
        from rich.filesize import decimal

        return decimal(int(amount)) if self._unit == "bytes" else f"{amount:,.0f} {self._unit}"
