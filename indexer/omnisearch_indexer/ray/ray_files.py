"""Files that the actors of a cluster read. All nodes see a file at the same path."""

from collections import deque
from collections.abc import Iterator
from typing import Any, cast

import ray
from ray.exceptions import RayActorError

from omnisearch.errors import MediaError, Reason
from omnisearch.types import Content, Decoded, MediaInfo, Piece
from omnisearch_indexer.ray.actors import Actor, Actors
from omnisearch_indexer.ray.decoder_actor import Answer
from omnisearch_indexer.ray.remote_content import RemoteContent
from omnisearch_indexer.retries import CRASHES
from omnisearch_indexer.walk import Signature


class RayFiles:
    """The `Files` of a cluster, whose actors are `DecoderActor`s. Contents other than texts stay on their nodes.

    An actor that ends together with its node is replaced, and the file is read on by another one. An actor that ends
    alone has crashed, perhaps because of its file.
    """

    def __init__(self, actors: Actors) -> None:
        self._actors = actors

    def identify(self, path: str) -> tuple[Signature, str]:
        """See `Files.identify`."""
        while True:
            actor = self._actors.take()
            try:
                first, second = ray.get(actor.handle.identify.remote(path))
            except RayActorError as error:  # hashing does not parse the file
                self._actors.replace(actor, error)
                continue
            self._actors.give(actor)
            if isinstance(first, Reason):
                raise MediaError(first, second)
            return first, second

    def decode(self, path: str) -> Decoded:
        """See `Files.decode`."""
        pieces = RayPieces(self._actors, path)
        return Decoded(pieces.begin(), pieces, pieces.notes, lambda: pieces.preview)


class RayPieces(Iterator[Piece]):
    """The pieces of one file. While a part of it is used, the next one is decoded.

    `notes` and `preview` are complete after the last piece.
    """

    def __init__(self, actors: Actors, path: str) -> None:
        self._actors, self._path = actors, path
        self._actor: Actor | None = None
        self._waiting: deque[Piece] = deque()
        self._arrived = self._crashes = 0
        self._failure: tuple[Reason, str] | None = None
        self.notes: list[str] = []
        self.preview: bytes | None = None

    def begin(self) -> MediaInfo:
        """Begin to read the file.

        Raises:
            MediaError: as `Files.decode`.
        """
        self._ask_first()
        info = self._receive().info
        if info is None:
            raise MediaError(*cast(tuple[Reason, str], self._failure))
        return info

    def __next__(self) -> Piece:
        while not self._waiting:
            if self._failure is not None:
                raise MediaError(*self._failure)
            if self._actor is None:
                raise StopIteration
            self._receive()
        return self._waiting.popleft()

    def close(self) -> None:
        """Stop reading; safe to call twice."""
        actor, self._actor = self._actor, None
        self._waiting.clear()
        if actor is not None:
            actor.handle.close.remote()
            self._actors.give(actor)

    def __del__(self) -> None:
        self.close()

    def _ask_first(self) -> None:
        self._actor = self._actors.take()
        self._ask(self._actor.handle.decode, self._path, self._arrived)

    def _ask(self, method: Any, *arguments: object) -> None:
        self._answer, self._content = method.options(num_returns=2).remote(*arguments)

    def _receive(self) -> Answer:
        """Receive the next part. Ask for the one after it, or return the actor if this was the last one."""
        while True:
            assert self._actor is not None
            try:
                answer: Answer = ray.get(self._answer)
                break
            except RayActorError as error:
                self._replace(error)
        self._waiting.extend(answer.passages)
        if answer.heading is not None:
            content = RemoteContent(self._content, answer.heading.nbytes)
            self._waiting.append(Piece(answer.heading.segment, cast(Content, content), answer.heading.snippet))
        self._arrived += len(answer.passages) + (answer.heading is not None)
        if answer.ended or answer.failure is not None:
            self.notes.extend(answer.notes)
            self.preview, self._failure = answer.preview, answer.failure
            self._actors.give(self._actor)
            self._actor = None
        else:
            self._ask(self._actor.handle.next)
        return answer

    def _replace(self, error: RayActorError) -> None:
        """Read on with another actor, unless this one may have ended because of the file."""
        actor, self._actor = self._actor, None
        assert actor is not None
        self._crashes += self._actors.replace(actor, error)
        if self._crashes == CRASHES or (self._crashes and not self._arrived):
            raise MediaError(Reason.DECODER_CRASHED, f"the decoder on node {actor.place.node.name} ended") from None
        self._ask_first()
