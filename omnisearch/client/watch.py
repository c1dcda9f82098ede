"""The events of a job, read from a stream that is resumed after the last event when it breaks."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx2

from omnisearch.client.call import segment
from omnisearch.client.connection import Connection, failure
from omnisearch.client.problems import error_of
from omnisearch.errors import NotReadyError, OmnisearchError
from omnisearch.jobs.job import State
from omnisearch.schema.job import JobOut

# Pauses of 1, 2, 4, 8, 16 and 30 s: a server that is restarted within a minute is not missed.
TRIES, MAX_PAUSE_SECONDS = 6, 30.0
END = "end"  # the last event of a job


@dataclass
class Watch:
    """The position of a client in the events of a job: the id of the last one, and the number of failed tries since."""

    connection: Connection
    job_id: str
    seen: int = 0
    ended: bool = False
    tried: int = 0
    _seconds: float | None = None
    _why: OmnisearchError = field(default_factory=lambda: NotReadyError("the server ends the stream of events early"))

    @property
    def request(self) -> dict[str, Any]:
        """Return the arguments of the request for the events after the last one."""
        return {
            "method": "GET",
            "url": f"v1/jobs/{segment(self.job_id)}/events",
            "headers": {"Last-Event-ID": str(self.seen)},
            "timeout": self.connection.watching,
        }

    def read(self, event: httpx2.ServerSentEvent) -> JobOut:
        """Return the job of an event."""
        job = self.connection.read(JobOut.model_validate_json, event.data)
        self.seen, self.ended, self.tried = job.version, event.event == END, 0
        return job

    def refused(self, answer: httpx2.Response) -> None:
        """Record that the server is busy.

        Raises:
            OmnisearchError: another error, which a new try would not change.
        """
        self._seconds, self._why = self.connection.wait(answer, 0), failure(answer)
        if self._seconds is None:
            raise self._why

    def broke(self, error: httpx2.TransportError) -> None:
        """Record that the stream broke."""
        self._why = self.connection.unreachable(error)

    def pause(self) -> float:
        """Return the seconds to wait before the next request.

        Raises:
            OmnisearchError: no event came in TRIES requests.
        """
        self.tried += 1
        if self.tried > TRIES:
            raise self._why
        usual = min(2.0 ** (self.tried - 1), MAX_PAUSE_SECONDS)
        seconds, self._seconds = self._seconds, None
        return usual if seconds is None else seconds


def outcome(job: JobOut) -> JobOut:
    """Return a job that is done or cancelled.

    Raises:
        OmnisearchError: the job failed; the class is that of its code.
    """
    if job.error is not None and job.state is State.FAILED:
        raise error_of(HTTPStatus.INTERNAL_SERVER_ERROR, job.error.model_dump())
    return job
