"""Encoders of a cluster whose actors end, without a cluster."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from omnisearch.types import Modality, Piece, Segment
from omnisearch_indexer.batch_encoder import EncodedRows
from omnisearch_indexer.encoders import Batch, Encoded, Lost
from omnisearch_indexer.file_progress import FileProgress
from omnisearch_indexer.reader import FileReading
from omnisearch_indexer.walk import Signature

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray takes a second to import

ray = pytest.importorskip("ray", reason="the package ray is not installed")

KEY = ("hashed", Modality.TEXT)
DIM = 3


class FakeActors:
    """One actor, which answers at once. Contents that are `deadly` end it, and `lost` ones cannot be fetched."""

    def __init__(self, deadly: str = "", lost: str = "", is_node_gone: bool = False) -> None:
        self.deadly, self.lost, self.is_node_gone = deadly, lost, is_node_gone
        self.asked: list[int] = []
        self.replaced = 0

    def take(self) -> Any:
        return SimpleNamespace(handle=SimpleNamespace(encode=SimpleNamespace(remote=self.encode)))

    def give(self, actor: Any) -> None:
        pass

    def replace(self, actor: Any, error: BaseException) -> bool:
        self.replaced += 1
        if self.is_node_gone and self.replaced == 3:
            self.deadly = ""
        return not self.is_node_gone

    def encode(self, modality: Modality, *contents: str) -> Any:
        self.asked.append(len(contents))
        if self.lost in contents:
            return ray.exceptions.ObjectLostError("1" * 40, None, "")
        if self.deadly in contents:
            return ray.exceptions.RayActorError(error_msg="it ended")
        rows = np.array([[len(content)] * DIM for content in contents], np.float32)
        return EncodedRows(rows, np.zeros(len(contents), np.bool_), {KEY: rows})


def get(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer


def encode(actors: FakeActors, contents: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    from omnisearch_indexer.ray import ray_encoders

    monkeypatch.setattr(ray_encoders.ray, "get", get)
    work = FileProgress(FileReading("a.txt", Signature(0, 0, 0, 0, 0)))
    pieces = [(work, Piece(Segment(n), content)) for n, content in enumerate(contents)]
    results: list[Any] = []
    encoders = ray_encoders.RayEncoders(cast(Any, actors), 1, DIM, 32)
    encoders.submit(Batch(Modality.TEXT, [str(n) for n in range(len(contents))], pieces), results.append)
    encoders.close()
    [result] = results
    return result


def test_only_the_content_that_ends_its_actor_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = ["a", "bb", "ccc", "dddd", "eeeee"]
    result = encode(FakeActors(deadly="dddd"), contents, monkeypatch)
    assert isinstance(result, Encoded)
    assert result.rows.failed.tolist() == [False, False, False, True, False]
    expected = [[n] * DIM for n in (1, 2, 3, 0, 5)]
    assert result.rows.vectors.tolist() == expected
    assert result.rows.embeddings[KEY].tolist() == expected


def test_a_batch_is_encoded_whole_however_many_nodes_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    actors = FakeActors(deadly="a", is_node_gone=True)
    result = encode(actors, ["a", "bb"], monkeypatch)
    assert isinstance(result, Encoded)
    assert (actors.asked, actors.replaced) == ([2, 2, 2, 2], 3)
    assert not result.rows.failed.any()


def test_lost_contents_are_a_lost_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    result = encode(FakeActors(lost="bb"), ["a", "bb"], monkeypatch)
    assert isinstance(result, Lost)
    assert len(result.batch.pieces) == 2
