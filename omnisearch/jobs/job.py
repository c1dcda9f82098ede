"""A job: a piece of long work with its parameters, its state and its outcome."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from omnisearch.config import Settings


class State(StrEnum):
    """Where a job is. The last three are final, until the job is retried."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether no worker will change the job any more."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(frozen=True)
class Progress:
    """How much of `total` is done, in `unit`; `total` is None while it is not known."""

    done: int = 0
    total: int | None = None
    unit: str = ""
    message: str = ""


@dataclass(frozen=True)
class Failure:
    """Why a job failed: the code of an error, and its message."""

    code: str
    detail: str


@dataclass(frozen=True)
class Job:
    """A job as it stands in the table. Times are seconds since 1970.

    `version` grows with every change of the job. `attempts` counts the runs that began, except those that a stopping
    worker gave back. `cancelling` means that the worker has been asked to stop.
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
        """As JSON."""
        return asdict(self)


class Reporter(Protocol):
    """Receives the progress of a running job. Cheap to call: it only keeps the last report."""

    def report(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        """So much is done."""
        ...


# Runs a job with the settings of its collection and returns its result as JSON. Once the event is set, it stops soon
# and raises StoppedError. A job may be run again after it was stopped or killed, so it goes on with what is left.
Runner: TypeAlias = Callable[[Job, Settings, Reporter, threading.Event], Mapping[str, Any]]
# Lists files that a job could not read, by path: at most so many after a place, each with its own place as `cursor`.
ErrorReader: TypeAlias = Callable[[Job, Settings, str, int], Iterable[Mapping[str, Any]]]
