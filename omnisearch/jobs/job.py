"""A job: a long task with its parameters, its state and its outcome."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from omnisearch.config import Settings


class State(StrEnum):
    """The state of a job. The last three are final, unless the job is retried."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """True if the state is final."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(frozen=True)
class Progress:
    """The progress of a job: `done` of `total`, in `unit`; `total` is None while it is unknown."""

    done: int = 0
    total: int | None = None
    unit: str = ""
    message: str = ""


@dataclass(frozen=True)
class Failure:
    """The failure of a job: the code of an error, and its message."""

    code: str
    detail: str


@dataclass(frozen=True)
class Job:
    """A job as stored in the table. Times are seconds since 1970.

    `version` increases with every change of the job. `attempts` counts the started runs, except those that a stopping
    worker returned to the queue. `cancelling` means that the worker has been asked to stop.
    """

    id: str
    kind: str
    collection: str
    params: Mapping[str, Any]
    state: State
    progress: Progress
    result: Mapping[str, Any] | None
    error: Failure | None
    created: float
    started: float | None
    ended: float | None
    attempts: int
    version: int
    cancelling: bool

    def fields(self) -> dict[str, Any]:
        """Return the job as JSON."""
        return asdict(self)


class Reporter(Protocol):
    """Receives the progress of a running job. Calls are cheap, because only the last report is kept."""

    def report(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        """Report that `done` of `total` units are done."""
        ...


# Runs a job with the settings of its collection and returns its result as JSON. Once the event is set, it stops soon
# and raises StoppedError. A stopped or killed job may run again; the runner then continues with the remaining work.
Runner: TypeAlias = Callable[[Job, Settings, Reporter, threading.Event], Mapping[str, Any]]
# Lists files that a job could not read, by path: at most a number of them after a cursor, each with its own `cursor`.
ErrorReader: TypeAlias = Callable[[Job, Settings, str, int], Iterable[Mapping[str, Any]]]
