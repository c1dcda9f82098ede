"""Micro-batching: requests that several threads make at the same time are answered together, in one call.

There is no timer. A request that arrives while no batch runs is answered at once, alone. Requests that arrive during a
batch form the next one. So requests do not wait on a quiet server; on a busy one they wait for the running batch and
for the requests before them. One of the waiting threads runs the batch for all of them.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(eq=False)
class _Call(Generic[Q, A]):
    """A request with its answer or error. `batch` has the calls that its thread has to answer when it is woken."""

    request: Q
    woken: threading.Event = field(default_factory=threading.Event)
    batch: "list[_Call[Q, A]]" = field(default_factory=list)
    answers: list[A] = field(default_factory=list)
    error: BaseException | None = None


class MicroBatcher(Generic[Q, A]):
    """Answers requests in batches of up to `most`, one batch at a time.

    `answer` returns one answer for each request of a batch, in order; an error that it raises is raised for all of
    them. Callers limit the number of waiting requests.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Sequence[A]], most: int) -> None:
        self._answer, self._most = answer, most
        self._running = False
        self._waiting: deque[_Call[Q, A]] = deque()
        self._lock = threading.Lock()

    def ask(self, request: Q) -> A:
        """Answer a request together with others. Raises the errors of `answer`."""
        call: _Call[Q, A] = _Call(request)
        with self._lock:
            if self._running:
                self._waiting.append(call)
            else:
                self._running = True
                call.batch = [call]
        if not call.batch:
            call.woken.wait()
        if call.batch:
            self._run(call.batch)
        if call.error is not None:
            raise call.error
        return call.answers[0]

    def _run(self, batch: list[_Call[Q, A]]) -> None:
        try:
            answers = self._answer([call.request for call in batch])
            for call, answer in zip(batch, answers, strict=True):
                call.answers.append(answer)
        except BaseException as error:  # every thread of the batch must be woken
            for call in batch:
                call.error = error
        finally:
            self._pass_on()
            for call in batch[1:]:
                call.batch = []
                call.woken.set()

    def _pass_on(self) -> None:
        """Wake the thread that has waited longest to answer the next batch, in the order of arrival."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            self._running = bool(batch)
        if batch:
            batch[0].batch = batch
            batch[0].woken.set()
