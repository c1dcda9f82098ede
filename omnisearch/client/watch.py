"""The events of a job: read from a stream, and asked for again from the last one on when the stream breaks."""

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
    """Where a client is in the events of a job: the id of the last one, and how often it tried in vain since."""

    connection: Connection
    job_id: str
    seen: int = 0
    ended: bool = False
    tried: int = 0
    _seconds: float | None = None
    _why: OmnisearchError = field(default_factory=lambda: NotReadyError("the server ends the stream of events early"))

    @property
    def request(self) -> dict[str, Any]:
        """The arguments of the request for the events that come after those that were seen."""
        return {
            "method": "GET",
            "url": f"v1/jobs/{segment(self.job_id)}/events",
            "headers": {"Last-Event-ID": str(self.seen)},
            "timeout": self.connection.watching,
        }

    def read(self, event: httpx2.ServerSentEvent) -> JobOut:
        """Return the job that an event shows."""
        job = JobOut.model_validate_json(event.data)
        self.seen, self.ended, self.tried = job.version, event.event == END, 0
        return job

    def refused(self, answer: httpx2.Response) -> None:
        """Note that the server refuses for now.

        Raises:
            OmnisearchError: it refuses for good.
        """
        self._seconds, self._why = self.connection.wait(answer, 0), failure(answer)
        if self._seconds is None:
            raise self._why

    def broke(self, error: httpx2.TransportError) -> None:
        """Note that the stream broke."""
        self._why = self.connection.unreachable(error)

    def pause(self) -> float:
        """Return the seconds after which the events are asked for again.

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
        OmnisearchError: it failed; the class is that of its code.
    """
    if job.error is not None and job.state is State.FAILED:
        raise error_of(HTTPStatus.INTERNAL_SERVER_ERROR, job.error.model_dump())
    return job
