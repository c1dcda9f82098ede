"""Micro-batching: questions that several threads ask at the same time are answered together, in one call.

There is no timer. A question that arrives while no batch runs is answered at once, alone; those that arrive while one
runs form the next batch. So nothing waits on a quiet server, and on a busy one a question waits for the batch that runs
and for those in front of it. One of the threads that wait answers for all of its batch.
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
    """A question with its answer or error; `batch` is what its thread has to answer when it is woken to do so."""

    question: Q
    woken: threading.Event = field(default_factory=threading.Event)
    batch: "list[_Call[Q, A]]" = field(default_factory=list)
    answers: list[A] = field(default_factory=list)
    error: BaseException | None = None


class MicroBatcher(Generic[Q, A]):
    """Answers questions in batches of up to `most`, one batch at a time.

    `answer` returns one answer for each question of a batch, in order; what it raises is raised for all of them. Its
    callers bound how many questions wait.
    """

    def __init__(self, answer: Callable[[Sequence[Q]], Sequence[A]], most: int) -> None:
        self._answer, self._most = answer, most
        self._running = False
        self._waiting: deque[_Call[Q, A]] = deque()
        self._lock = threading.Lock()

    def ask(self, question: Q) -> A:
        """Answer a question, together with others. Raises what `answer` raises."""
        call: _Call[Q, A] = _Call(question)
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
            answers = self._answer([call.question for call in batch])
            for call, answer in zip(batch, answers, strict=True):
                call.answers.append(answer)
        except BaseException as error:  # every thread of the batch has to wake
            for call in batch:
                call.error = error
        finally:
            self._pass_on()
            for call in batch[1:]:
                call.batch = []
                call.woken.set()

    def _pass_on(self) -> None:
        """Let the first of the threads that wait answer the next batch, in the order in which they came."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            self._running = bool(batch)
        if batch:
            batch[0].batch = batch
            batch[0].woken.set()
