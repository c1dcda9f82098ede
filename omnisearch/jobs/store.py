"""The table of jobs, shared by the servers, workers and commands of one data directory.

A worker owns a job by a token and renews its claim with a counter, the beat. A worker is considered dead by others that
see the same beat for the length of a lease on their own monotonic clocks, so wall clocks do not matter.
"""

import json
import secrets
import sqlite3
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omnisearch.config import Settings
from omnisearch.errors import BusyError, ConflictError, NotFoundError
from omnisearch.jobs.database import Database
from omnisearch.jobs.job import Failure, Job, Progress, State

JOBS_FILE = "jobs.sqlite"
MAX_ATTEMPTS = 3
MAX_QUEUED = 1000
KEPT_JOBS = 1000  # older ones that have ended are deleted
VERSION = 1
ABANDONED = "abandoned"
SCHEMA = """
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, collection TEXT NOT NULL,
    params TEXT NOT NULL, state TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0, total INTEGER,
    unit TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '', result TEXT, error_code TEXT, error_detail TEXT,
    created REAL NOT NULL, started REAL, ended REAL, attempts INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1, cancelling INTEGER NOT NULL DEFAULT 0, owner TEXT,
    beat INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX jobs_by_state ON jobs (state, seq)
"""
_DEAD = "(jobs.id || ':' || jobs.beat) IN (SELECT value FROM json_each(:dead))"
_CLAIM = f"""
UPDATE jobs SET state = 'running', owner = :owner, beat = beat + 1, attempts = attempts + 1, version = version + 1,
    started = :now, message = ''
WHERE seq = (
    SELECT seq FROM jobs
    WHERE (state = 'queued' AND id NOT IN (SELECT value FROM json_each(:skipped))) OR (state = 'running' AND {_DEAD})
    ORDER BY seq LIMIT 1
) RETURNING *
"""  # noqa: S608
_BURY = f"""
UPDATE jobs SET state = iif(cancelling, 'cancelled', 'failed'), ended = max(:now, started), version = version + 1,
    owner = NULL, error_code = iif(cancelling, NULL, '{ABANDONED}'), error_detail = iif(cancelling, NULL, :detail)
WHERE state = 'running' AND {_DEAD} AND (cancelling OR attempts >= {MAX_ATTEMPTS})
"""  # noqa: S608
_RETRY = """
UPDATE jobs SET state = 'queued', done = 0, total = NULL, unit = '', message = '', result = NULL, error_code = NULL,
    error_detail = NULL, started = NULL, ended = NULL, attempts = 0, cancelling = 0, version = version + 1,
    params = iif(json_type(params, '$.retry_failed') IS NULL, params, json_set(params, '$.retry_failed', json('true')))
WHERE id = ? AND state IN ('done', 'failed', 'cancelled') RETURNING *
"""
_DIED = f"the worker died {MAX_ATTEMPTS} times while it ran this job: its log may say why; retry the job"


@dataclass(frozen=True)
class Beat:
    """The claim on a running job; the worker is alive while `count` increases."""

    job_id: str
    count: int


class JobStore:
    """The jobs of one data directory. Safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        """Open the table at `path`, or create it; raises as `Database`."""
        self._database = Database(path, SCHEMA, VERSION)

    @classmethod
    def open(cls, settings: Settings) -> "JobStore":
        """Open the table of a data directory."""
        return cls(settings.data_dir / JOBS_FILE)

    def close(self) -> None:
        """Close the table."""
        self._database.close()

    # Called for users

    def add(self, kind: str, params: Mapping[str, Any], collection: str = "default") -> Job:
        """Queue a job; it is durable when this returns.

        Raises:
            BusyError: MAX_QUEUED jobs are queued.
        """
        with self._database.use() as db:
            (queued,) = db.execute("SELECT COUNT(*) FROM jobs WHERE state = 'queued'").fetchone()
            if queued >= MAX_QUEUED:
                raise BusyError(f"{queued:,} jobs are queued: try again when some of them have run, or cancel some")
            row = db.execute(
                "INSERT INTO jobs (id, kind, collection, params, state, created) VALUES (?, ?, ?, ?, ?, ?) RETURNING *",
                (secrets.token_hex(8), kind, collection, json.dumps(params), State.QUEUED, time.time()),
            ).fetchone()
            db.execute(
                "DELETE FROM jobs WHERE state IN ('done', 'failed', 'cancelled') AND seq <= "
                "(SELECT seq FROM jobs ORDER BY seq DESC LIMIT 1 OFFSET ?)",
                (KEPT_JOBS,),
            )
        return _job(row)

    def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFoundError: no job has this id.
        """
        with self._database.read() as db:
            row = db.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise NotFoundError(f"no job {job_id!r}: `omnisearch jobs ls` lists them")
        return _job(row)

    def page(
        self,
        states: Collection[State] = tuple(State),
        kind: str | None = None,
        collection: str | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[Job]:
        """Return jobs that were queued before the job `before`, newest first."""
        with self._database.read() as db:
            rows = db.execute(
                "SELECT * FROM jobs WHERE state IN (SELECT value FROM json_each(?)) AND kind = ifnull(?, kind) "
                "AND collection = ifnull(?, collection) "
                "AND (? IS NULL OR seq < (SELECT seq FROM jobs WHERE id = ?)) ORDER BY seq DESC LIMIT ?",
                (json.dumps(list(states)), kind, collection, before, before, limit),
            ).fetchall()
        return [_job(row) for row in rows]

    def counts(self) -> dict[State, int]:
        """Return how many jobs are in each state."""
        with self._database.read() as db:
            counted = dict(map(tuple, db.execute("SELECT state, COUNT(*) FROM jobs GROUP BY state")))
        return {state: counted.get(state, 0) for state in State}

    def cancel(self, job_id: str) -> Job:
        """Cancel a queued job, or ask the worker of a running one to stop; return the job.

        Raises:
            NotFoundError: there is no such job.
            ConflictError: it is done or failed.
        """
        with self._database.use() as db:
            row = db.execute(
                "UPDATE jobs SET cancelling = 1, ended = iif(state = 'queued', :now, NULL), version = version + 1, "
                "state = iif(state = 'queued', 'cancelled', state) "
                "WHERE id = :id AND state IN ('queued', 'running') RETURNING *",
                {"now": time.time(), "id": job_id},
            ).fetchone()
        job = self.get(job_id) if row is None else _job(row)
        if job.state in (State.DONE, State.FAILED):
            raise ConflictError(f"the job {job_id} is {job.state}: only a queued or running job can be cancelled")
        return job

    def retry(self, job_id: str) -> Job:
        """Queue an ended job again; if its parameters have `retry_failed`, it becomes true.

        Raises:
            NotFoundError: there is no such job.
            ConflictError: it has not ended.
        """
        with self._database.use() as db:
            row = db.execute(_RETRY, (job_id,)).fetchone()
        if row is None:
            raise ConflictError(f"the job {job_id} is {self.get(job_id).state}: only an ended job can be retried")
        return _job(row)

    # Called by workers

    def beats(self) -> list[Beat]:
        """Return the claims on all running jobs."""
        with self._database.read() as db:
            return [Beat(*row) for row in db.execute("SELECT id, beat FROM jobs WHERE state = 'running'")]

    def claim(self, owner: str, dead: Collection[Beat] = (), skipped: Collection[str] = ()) -> Job | None:
        """Claim the oldest job that is queued and not `skipped`, or whose claim is `dead`; None if there is none.

        First ends dead jobs: a cancelled one becomes `cancelled`; one with MAX_ATTEMPTS attempts fails as `abandoned`.
        """
        marks = json.dumps([f"{beat.job_id}:{beat.count}" for beat in dead])
        values = {"owner": owner, "now": time.time(), "dead": marks, "detail": _DIED}
        with self._database.use() as db:
            if dead:
                db.execute(_BURY, values)
            row = db.execute(_CLAIM, values | {"skipped": json.dumps(list(skipped))}).fetchone()
        return None if row is None else _job(row)

    def beat(self, job: Job, owner: str, progress: Progress) -> Job | None:
        """Renew a claim and write the progress of its job; return the job, or None if another worker took it."""
        values = {"id": job.id, "owner": owner} | _columns(progress)
        with self._database.use() as db:
            row = db.execute(
                "UPDATE jobs SET beat = beat + 1, version = version + ((done, unit, message) IS NOT "
                "(:done, :unit, :message) OR total IS NOT :total), done = :done, total = :total, unit = :unit, "
                "message = :message WHERE id = :id AND owner = :owner AND state = 'running' RETURNING *",
                values,
            ).fetchone()
        return None if row is None else _job(row)

    def end(
        self,
        job: Job,
        owner: str,
        state: State,
        progress: Progress,
        result: Mapping[str, Any] | None = None,
        error: Failure | None = None,
    ) -> bool:
        """Write the outcome of a job; return False and write nothing if the claim was lost.

        With the state QUEUED the job returns to the queue, and the run does not count as an attempt; a job that users
        cancelled meanwhile is cancelled instead.
        """
        values = {
            "id": job.id,
            "owner": owner,
            "state": state,
            "result": None if result is None else json.dumps(result),
            "code": None if error is None else error.code,
            "detail": None if error is None else error.detail,
            "now": time.time(),
            "back": not state.ended,
            **_columns(progress),
        }
        with self._database.use() as db:
            ended = db.execute(
                "UPDATE jobs SET state = iif(:back AND cancelling, 'cancelled', :state), result = :result, "
                "error_code = :code, error_detail = :detail, attempts = attempts - :back, version = version + 1, "
                "ended = iif(:back AND NOT cancelling, NULL, max(:now, started)), owner = NULL, "
                "done = :done, total = :total, unit = :unit, message = :message "
                "WHERE id = :id AND owner = :owner AND state = 'running'",
                values,
            )
        return ended.rowcount == 1


def _columns(progress: Progress) -> dict[str, Any]:
    return {
        "done": progress.done,
        "total": progress.total,
        "unit": progress.unit,
        "message": progress.message,
    }


def _job(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        collection=row["collection"],
        params=json.loads(row["params"]),
        state=State(row["state"]),
        progress=Progress(row["done"], row["total"], row["unit"], row["message"]),
        result=None if row["result"] is None else json.loads(row["result"]),
        error=None if row["error_code"] is None else Failure(row["error_code"], row["error_detail"]),
        created=row["created"],
        started=row["started"],
        ended=row["ended"],
        attempts=row["attempts"],
        version=row["version"],
        cancelling=bool(row["cancelling"]),
    )
