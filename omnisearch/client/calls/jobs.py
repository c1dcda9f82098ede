"""Jobs: queue them, list them, stop them and queue them again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

from omnisearch.client.call import Asking, Call, ListPage, Parameter, Sent, SentEach, once, segment
from omnisearch.client.query_json import RequestBody
from omnisearch.errors import UsageError
from omnisearch.jobs.job import State
from omnisearch.schema.job import FileErrorOut, JobErrorsOut, JobOut, JobsOut

T = TypeVar("T")

PATH = "v1/jobs"
PAGE = 200  # jobs, or files, of one request


class JobCalls(Asking):
    """Calls about jobs. `idempotency_key` names a request, which then queues one job however often it is sent."""

    @Sent
    def index(
        self,
        paths: Sequence[Path] = (),
        uploads: Sequence[str] = (),
        retry_failed: bool = False,
        prune: bool = False,
        idempotency_key: str | None = None,
        collection: str | None = None,
    ) -> Call[JobOut]:
        """Queue a job that indexes files and folders of the server, by absolute paths, and uploads, by their ids.

        Raises:
            UsageError: one path or id was given in place of a list.
        """
        body = {"paths": [str(path) for path in _listed(paths)], "uploads": list(_listed(uploads))}
        return self._queue("index", {**body, "retry_failed": retry_failed, "prune": prune}, idempotency_key, collection)

    @Sent
    def enrich(
        self,
        read: Literal["fast", "full"] = "fast",
        idempotency_key: str | None = None,
        collection: str | None = None,
    ) -> Call[JobOut]:
        """Queue a job that reads the text in pictures and the speech in sound of the indexed items that lack it."""
        return self._queue("enrich", {"read": read}, idempotency_key, collection)

    @Sent
    def forget(
        self, item_ids: Sequence[str], idempotency_key: str | None = None, collection: str | None = None
    ) -> Call[JobOut]:
        """Queue a job that removes items from the index; no file is deleted.

        Raises:
            UsageError: one id was given in place of a list.
        """
        return self._queue("forget", {"item_ids": list(_listed(item_ids))}, idempotency_key, collection)

    @Sent
    def make_map(self, idempotency_key: str | None = None, collection: str | None = None) -> Call[JobOut]:
        """Queue a job that makes the map of a collection, which `map` returns."""
        return self._queue("map", {}, idempotency_key, collection)

    @Sent
    def pull(self, model: str, idempotency_key: str | None = None) -> Call[JobOut]:
        """Queue a job that fetches the weight files of a model."""
        path = f"v1/models/{segment(model)}/pull"
        return Call("POST", path, JobOut.model_validate_json, headers=once(idempotency_key))

    @SentEach
    def jobs(
        self, states: Sequence[State] | None = None, kind: str | None = None, cursor: str | None = None
    ) -> Call[ListPage[JobOut]]:
        """Iterate over the jobs of all collections, the newest first."""
        chosen: dict[str, Parameter] = {"state": states, "kind": kind, "limit": PAGE, "cursor": cursor}
        return Call("GET", PATH, _jobs, None, chosen)

    @Sent
    def job(self, job_id: str) -> Call[JobOut]:
        """Return a job and its progress."""
        return Call("GET", _path(job_id), JobOut.model_validate_json)

    @SentEach
    def errors(self, job_id: str, cursor: str | None = None) -> Call[ListPage[FileErrorOut]]:
        """Iterate over the files that an index job could not index."""
        return Call("GET", _path(job_id, "/errors"), _errors, None, {"limit": PAGE, "cursor": cursor})

    @Sent
    def cancel(self, job_id: str) -> Call[JobOut]:
        """Stop a job; its results so far stay."""
        return Call("POST", _path(job_id, "/cancel"), JobOut.model_validate_json)

    @Sent
    def retry(self, job_id: str) -> Call[JobOut]:
        """Queue an ended job again."""
        return Call("POST", _path(job_id, "/retry"), JobOut.model_validate_json)

    def _queue(
        self, kind: str, fields: dict[str, object], idempotency_key: str | None, collection: str | None
    ) -> Call[JobOut]:
        body, headers = RequestBody({"kind": kind, **fields}), once(idempotency_key)
        return Call("POST", PATH, JobOut.model_validate_json, body, self._of(collection), headers)


def _path(job_id: str, below: str = "") -> str:
    return f"{PATH}/{segment(job_id)}{below}"


def _jobs(answer: bytes) -> ListPage[JobOut]:
    found = JobsOut.model_validate_json(answer)
    return ListPage(found.jobs, found.next_cursor)


def _errors(answer: bytes) -> ListPage[FileErrorOut]:
    found = JobErrorsOut.model_validate_json(answer)
    return ListPage(found.errors, found.next_cursor)


def _listed(given: Sequence[T]) -> Sequence[T]:
    """Refuse a string, which is a sequence of its characters: of "/photos" the first one is the path "/"."""
    if isinstance(given, str | bytes | Path):
        raise UsageError(f"a list is needed, not {given!r}: write [{given!r}]")
    return given
