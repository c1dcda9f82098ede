"""The worker: claims jobs from the table, one at a time, and runs them."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from omnisearch.config import Settings
from omnisearch.errors import BusyError, OmnisearchError, StoppedError, StoreError
from omnisearch.jobs.job import Failure, Job, Progress, Runner, State
from omnisearch.jobs.kinds import load_runner
from omnisearch.jobs.store import Beat, JobStore

BEAT_SECONDS = 1.0
LEASE_SECONDS = 20.0  # without a beat, after which a worker counts as dead
POLL_SECONDS = 0.5
BUSY_SECONDS = 5.0  # until a job is tried again after another process was writing its index
ENDING_SECONDS = 5.0  # between two attempts to write the outcome of a job to a full disk
log = logging.getLogger(__name__)


class LastReport:
    """A reporter that keeps the last report; the heartbeat writes it."""

    def __init__(self) -> None:
        self.progress = Progress()

    def report(self, done: int, total: int | None = None, unit: str = "", message: str = "") -> None:
        """Report that `done` of `total` units are done."""
        self.progress = Progress(done, total, unit, message)


class Worker:
    """Runs jobs until it is stopped. Several workers may share a table; each job has one owner at a time."""

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        stop: threading.Event,
        find_runner: Callable[[str], Runner] = load_runner,
        beat_seconds: float = BEAT_SECONDS,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._settings, self._store, self._stop, self._find_runner = settings, store, stop, find_runner
        self._beat_seconds, self._lease_seconds = beat_seconds, lease_seconds
        self._owner = secrets.token_hex(8)
        self._seen: dict[Beat, float] = {}  # when each claim was first seen, on the monotonic clock
        self._busy: dict[str, float] = {}  # until when jobs are skipped whose index is in use

    def run(self) -> None:
        """Run jobs until `stop` is set. A job that is running then returns to the queue."""
        while not self._stop.is_set():
            try:
                found = self.run_one()
            except (StoreError, BusyError) as error:
                log.warning("the jobs cannot be read: %s", error)
                found = False
            if not found:
                self._stop.wait(POLL_SECONDS)

    def run_one(self) -> bool:
        """Claim a job and run it; return whether there was one.

        Raises:
            StoreError: the table cannot be read.
            BusyError: another process holds the table.
        """
        now = time.monotonic()
        self._busy = {job_id: until for job_id, until in self._busy.items() if until > now}
        job = self._store.claim(self._owner, self._dead(now), tuple(self._busy))
        if job is None:
            return False
        log.info("job %s (%s) begins, attempt %d", job.id, job.kind, job.attempts)
        reporter = LastReport()
        with self._beating(job, reporter) as (asked, lost):
            state, result, error = self._outcome(job, reporter, asked)
        if lost.is_set() or not self._end(job, state, reporter.progress, result, error):
            log.warning("job %s was taken over by another worker", job.id)
        else:
            log.info("job %s (%s) is %s", job.id, job.kind, state)
        return True

    def _dead(self, now: float) -> list[Beat]:
        """Return the claims that this worker has not seen renewed for the length of a lease."""
        self._seen = {beat: self._seen.get(beat, now) for beat in self._store.beats()}
        return [beat for beat, since in self._seen.items() if now - since > self._lease_seconds]

    def _outcome(
        self, job: Job, reporter: LastReport, asked: threading.Event
    ) -> tuple[State, dict[str, object] | None, Failure | None]:
        """Run the job; return its state, its result and its failure."""
        settings = self._settings.model_copy(update={"collection": job.collection})
        try:
            return State.DONE, dict(self._find_runner(job.kind)(job, settings, reporter, asked)), None
        except StoppedError:
            return (State.QUEUED if self._stop.is_set() else State.CANCELLED), None, None
        except BusyError as error:
            self._busy[job.id] = time.monotonic() + BUSY_SECONDS
            reporter.report(0, message=f"waits: {error}")
            return State.QUEUED, None, None
        except OmnisearchError as error:
            return State.FAILED, None, Failure(error.code, str(error))
        except Exception as error:
            log.exception("job %s (%s) failed", job.id, job.kind)
            detail = f"{type(error).__name__}: see the log of the worker, and please report this"
            return State.FAILED, None, Failure(OmnisearchError.code, detail)

    @contextmanager
    def _beating(self, job: Job, reporter: LastReport) -> Iterator[tuple[threading.Event, threading.Event]]:
        """Renew the claim in a thread; yield two events: one asks the job to stop, one tells that the claim is lost."""
        asked, lost, over = threading.Event(), threading.Event(), threading.Event()

        def beat() -> None:
            while not over.wait(self._beat_seconds):
                try:
                    known = self._store.beat(job, self._owner, reporter.progress)
                except (StoreError, BusyError) as error:  # such as a full disk: the job itself may still succeed
                    log.warning("the claim on job %s cannot be renewed: %s", job.id, error)
                    continue
                if known is None:
                    lost.set()
                if known is None or known.cancelling or self._stop.is_set():
                    asked.set()

        thread = threading.Thread(target=beat, name=f"heartbeat-{job.id}", daemon=True)
        thread.start()
        try:
            yield asked, lost
        finally:
            over.set()
            thread.join()

    def _end(
        self, job: Job, state: State, progress: Progress, result: dict[str, object] | None, error: Failure | None
    ) -> bool:
        """Write the outcome, and try again while the disk is full. A job without an outcome will run again."""
        while True:
            try:
                return self._store.end(job, self._owner, state, progress, result, error)
            except (StoreError, BusyError) as refusal:
                log.warning("the outcome of job %s cannot be written: %s", job.id, refusal)
                if self._stop.wait(ENDING_SECONDS):
                    return False
