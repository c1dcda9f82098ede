"""Jobs that are waited for: events over a stream that breaks."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from omnisearch import AsyncClient, Client
from omnisearch.client import asynchronous, blocking, watch
from omnisearch.errors import NoIndexError, NotFoundError, NotReadyError, OmnisearchError, ServerError
from omnisearch.jobs.job import State
from omnisearch.schema.job import FailureOut, JobOut, ProgressOut
from tests.client.test_client import answering, busy

STREAM = {"Content-Type": "text/event-stream; charset=utf-8"}


def job(version: int, state: State = State.RUNNING, error: FailureOut | None = None) -> JobOut:
    return JobOut(
        id="a" * 16,
        kind="index",
        collection="default",
        params={},
        state=state,
        progress=ProgressOut(done=version, total=9, unit="files", message=""),
        result=None,
        error=error,
        created=1.0,
        started=None,
        ended=None,
        attempts=1,
        version=version,
        cancelling=False,
    )


def event(shown: JobOut) -> bytes:
    name = "end" if shown.state.ended else "progress"
    return f"event: {name}\nid: {shown.version}\ndata: {shown.model_dump_json()}\n\n".encode()


def streaming(*jobs: JobOut, cut: int = 0) -> tuple[int, dict[str, str], bytes]:
    """An answer that holds events, of which `cut` bytes of the last one are missing."""
    events = b": ping\n\n" + b"".join(map(event, jobs))
    return 200, STREAM, events[: len(events) - cut]


class Watcher:
    """Either client, asked in the same way."""

    def __init__(self, asynchronously: bool) -> None:
        self._asynchronously = asynchronously

    def events(self, url: str, seen: int = 0) -> list[JobOut]:
        if not self._asynchronously:
            with Client(url) as client:
                return list(client.events("a" * 16, seen))

        async def ask() -> list[JobOut]:
            async with AsyncClient(url) as client:
                return [each async for each in client.events("a" * 16, seen)]

        return asyncio.run(ask())

    def wait(self, url: str, progress: Any) -> JobOut:
        if not self._asynchronously:
            with Client(url) as client:
                return client.wait("a" * 16, progress)

        async def ask() -> JobOut:
            async with AsyncClient(url) as client:
                return await client.wait("a" * 16, progress)

        return asyncio.run(ask())


@pytest.fixture(params=[False, True], ids=["Client", "AsyncClient"])
def watcher(request: pytest.FixtureRequest) -> Watcher:
    return Watcher(request.param)


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The seconds that were waited, without waiting."""
    seconds: list[float] = []

    really_sleep = asyncio.sleep

    async def sleep(given: float) -> None:
        if given:
            seconds.append(given)
        else:  # anyio, if it is first imported here, takes this function for its own turns of the loop
            await really_sleep(0)

    monkeypatch.setattr(asynchronous.asyncio, "sleep", sleep)
    monkeypatch.setattr(blocking.time, "sleep", seconds.append)
    return seconds  # type: ignore[return-value]


def test_a_stream_that_breaks_goes_on_after_its_last_event(watcher: Watcher, slept: list[float]) -> None:
    broken = streaming(job(4), job(5), job(6), cut=20)
    with answering(broken, busy("7"), streaming(), streaming(job(6), job(8, State.DONE))) as (url, got):
        assert [each.version for each in watcher.events(url, 3)] == [4, 5, 6, 8]
    assert [request["headers"]["Last-Event-ID"] for request in got] == ["3", "5", "5", "5"]
    assert {request["path"] for request in got} == {f"/v1/jobs/{'a' * 16}/events"}
    assert slept == [1, 7, 4]


def test_a_server_that_is_gone_for_long_is_an_error(watcher: Watcher, slept: list[float]) -> None:
    with answering(streaming(job(2))) as (url, _):
        pass
    with pytest.raises(NotReadyError, match="does not answer"):
        watcher.events(url)
    assert slept == [1, 2, 4, 8, 16, 30]


def test_a_stream_that_always_ends_early_is_an_error(watcher: Watcher) -> None:
    with answering(streaming()) as (url, got), pytest.raises(NotReadyError, match="ends the stream"):
        watcher.events(url)
    assert len(got) == watch.TRIES + 1


def test_an_unknown_job_is_an_error_at_once(watcher: Watcher) -> None:
    with answering((404, {}, {"code": "not_found", "detail": "no job"})) as (url, got):
        with pytest.raises(NotFoundError, match="no job"):
            watcher.events(url)
        assert len(got) == 1


def test_waiting_shows_progress_and_returns_the_job(watcher: Watcher) -> None:
    seen: list[int] = []
    with answering(streaming(job(1), job(2)), streaming(job(3, State.CANCELLED))) as (url, _):
        ended = watcher.wait(url, lambda shown: seen.append(shown.progress.done))
    assert (seen, ended.state) == ([1, 2, 3], State.CANCELLED)


@pytest.mark.parametrize(("code", "kind"), [("no_index", NoIndexError), ("abandoned", ServerError)])
def test_waiting_for_a_job_that_fails_raises_its_error(
    watcher: Watcher, code: str, kind: type[OmnisearchError]
) -> None:
    failed = job(2, State.FAILED, FailureOut(code=code, detail="that was it"))
    with answering(streaming(failed)) as (url, _), pytest.raises(kind, match="that was it"):
        watcher.wait(url, print)
