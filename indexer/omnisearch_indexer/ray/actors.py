"""A pool of actors of one kind. An actor that ends is replaced as long as its node is alive."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, RayActorError, RayError, RayTaskError

from omnisearch.errors import ClusterError, FingerprintError, OmnisearchError, StoppedError
from omnisearch_indexer.ray.cluster import living_nodes
from omnisearch_indexer.ray.plan import Node, Place

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
LONG_SECONDS = 60.0
# An actor that ends so often without having done any work is not started again.
STARTS = 3

Start = Callable[[Place], Any]


@dataclass(eq=False)
class Actor:
    """An actor at its place. `starts` counts those at this place since one has worked."""

    place: Place
    handle: Any
    ready: Any
    starts: int = 1
    lent: int = 0
    ended: bool = False


class Actors:
    """Lends actors to threads, each to `depth` threads at a time; safe to call from many threads.

    `start(place)` starts an actor, which has a method `version` that raises if it cannot work. `version` is the value
    that it must return. After `stop`, no thread waits for an actor.
    """

    def __init__(
        self, start: Start, places: Sequence[Place], version: str, noun: str, stop: threading.Event, depth: int = 1
    ) -> None:
        self._start, self._version, self._noun, self._stop, self._depth = start, version, noun, stop, depth
        self._changed = threading.Condition()
        self._starting = [self._begin(place) for place in places]
        self._ready: list[Actor] = []
        self._cause = "the cluster has no processors"

    def take(self) -> Actor:
        """Lend the actor with the least work; waits while all are busy or starting.

        Raises:
            ClusterError: no actor is left.
            FingerprintError: a node has another version of this program or of the model.
            OmnisearchError: an actor cannot work, such as without its weights.
            StoppedError: the run was stopped, and no actor is free.
        """
        begun, warned = time.monotonic(), False
        with self._changed:
            while True:
                self._collect()
                actor = min(self._ready, key=lambda actor: actor.lent, default=None)
                if actor is not None and actor.lent < self._depth:
                    actor.lent += 1
                    return actor
                if not self._ready and not self._starting:
                    raise ClusterError(f"no {self._noun} of the cluster is left, and the last one ended: {self._cause}")
                if self._stop.is_set():
                    raise StoppedError(f"the run was stopped while it waited for a {self._noun}")
                if not self._ready and not warned and time.monotonic() - begun > LONG_SECONDS:
                    warned = True
                    log.warning("waiting for a %s: the cluster may have no free processors", self._noun)
                self._changed.wait(POLL_SECONDS)

    def give(self, actor: Actor) -> None:
        """Return an actor that has worked."""
        with self._changed:
            actor.lent -= 1
            actor.starts = 0
            self._changed.notify()

    def replace(self, actor: Actor, error: RayActorError) -> bool:
        """Return an actor that has ended. If its node is alive, start another one at its place, and return True."""
        _wait_for_end(actor)
        with self._changed:
            if not actor.ended:
                self._end(actor, error)
            self._changed.notify_all()
        return _is_alive(actor.place.node)

    def close(self) -> None:
        """End all actors."""
        with self._changed:
            for actor in (*self._ready, *self._starting):
                ray.kill(actor.handle)
            self._ready, self._starting = [], []

    def _begin(self, place: Place, starts: int = 1) -> Actor:
        handle = self._start(place)
        return Actor(place, handle, handle.version.remote(), starts)

    def _end(self, actor: Actor, error: BaseException) -> None:
        actor.ended = True
        self._cause = " ".join(str(error).split())[:200]
        for group in (self._ready, self._starting):
            if actor in group:
                group.remove(actor)
        ray.kill(actor.handle)
        alive, node = _is_alive(actor.place.node), actor.place.node.name
        if alive and actor.starts < STARTS:
            log.warning(
                "a %s on node %s ended and is started again: %s", self._noun, actor.place.node.name, self._cause
            )
            self._starting.append(self._begin(actor.place, actor.starts + 1))
        else:
            why = "cannot be started" if alive else "is gone with its node"
            log.warning("a %s on node %s %s: %s", self._noun, node, why, self._cause)

    def _collect(self) -> None:
        """Move the actors that have started."""
        if not self._starting:
            return
        by_ready = {actor.ready: actor for actor in self._starting}
        done, _ = ray.wait(list(by_ready), num_returns=len(by_ready), timeout=0)
        for ref in done:
            actor = by_ready[ref]
            try:
                self._check(actor, ray.get(ref))
            except RayActorError as error:
                self._end(actor, error)
            except RayTaskError as error:
                raise _named(error, actor.place) from None
            else:
                self._starting.remove(actor)
                self._ready.append(actor)

    def _check(self, actor: Actor, version: str) -> None:
        if version != self._version:
            raise FingerprintError(
                f"node {actor.place.node.name} has another version of the {self._noun} ({version}) than this one "
                f"({self._version}): install the same version of omnisearch and of the model on all nodes"
            )


def _named(error: RayTaskError, place: Place) -> Exception:
    """Return the error that an actor raised, with the name of its node."""
    if isinstance(error.cause, OmnisearchError):
        return type(error.cause)(f"on node {place.node.name}: {error.cause}")
    return error


def _wait_for_end(actor: Actor) -> None:
    """Wait until the cluster knows why an actor does not answer: only then it knows that a node is gone."""
    limit = time.monotonic() + LONG_SECONDS
    while time.monotonic() < limit:
        try:
            ray.get(actor.handle.version.remote(), timeout=LONG_SECONDS)
        except ActorUnavailableError:
            time.sleep(POLL_SECONDS)
        except RayError:
            return
        else:
            return


def _is_alive(node: Node) -> bool:
    return any(living.id == node.id for living in living_nodes())
