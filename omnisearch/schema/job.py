"""Jobs."""

from typing import Any

from pydantic import BaseModel

from omnisearch.jobs.job import State


class ProgressOut(BaseModel):
    """The progress of a job: `done` of `total`, in `unit`. `total` is null while it is unknown."""

    done: int
    total: int | None
    unit: str
    message: str


class FailureOut(BaseModel):
    """The reason why a job failed: a stable code, and a message."""

    code: str
    detail: str


class JobOut(BaseModel):
    """A job. Times are seconds since 1970. `version` increases with every change, and is the id of its event.

    `attempts` counts the started runs. `cancelling` means that the worker has been asked to stop.
    """

    id: str
    kind: str
    collection: str
    params: dict[str, Any]
    state: State
    progress: ProgressOut
    result: dict[str, Any] | None
    error: FailureOut | None
    created: float
    started: float | None
    ended: float | None
    attempts: int
    version: int
    cancelling: bool


class JobsOut(BaseModel):
    """Jobs, the newest first. `next_cursor` is the `cursor` of the next page."""

    jobs: list[JobOut]
    next_cursor: str | None


class FileErrorOut(BaseModel):
    """A file that could not be indexed. `reason` is stable; `message` says what to do."""

    path: str
    reason: str
    detail: str
    message: str
    attempts: int


class JobErrorsOut(BaseModel):
    """Files that a job could not index, by path. `next_cursor` is the `cursor` of the next page."""

    errors: list[FileErrorOut]
    next_cursor: str | None
