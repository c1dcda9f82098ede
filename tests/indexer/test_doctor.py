"""What the doctor finds: a well index, none, one of another model, one that lost points, and a lossy search."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.search.index import Index
from omnisearch.stores.base import Filter, Lookup, Payload, Point, Scored
from omnisearch.types import Floats, Modality
from omnisearch_indexer.doctor import Doctor, Finding, State
from omnisearch_indexer.session import index_files
from omnisearch_indexer.soundness import likeness, recall
from tests.conftest import write_hashed_model
from tests.indexer.conftest import write_image, write_sound


@pytest.fixture
def indexed(settings: Settings, tmp_path: Path) -> Settings:
    media = [write_image(tmp_path / f"{n}.png", seed=n) for n in range(3)] + [write_sound(tmp_path / "a.wav")]
    assert not index_files(media, settings).failed
    return settings


def examine(settings: Settings) -> dict[str, Finding]:
    return {each.check: each for each in Doctor(settings).findings()}


def test_a_well_index_fails_no_check(indexed: Settings) -> None:
    found = examine(indexed)
    assert [each for each in found.values() if each.state is State.FAIL] == []
    assert found["counts"].value == "3 image, 1 audio"
    assert found["recall"].value.startswith("1.000 ")
    assert found["calibration"].state is State.WARN  # so few items are no background


def test_without_an_index_that_is_said_once_and_what_to_do(settings: Settings) -> None:
    failed = [each for each in examine(settings).values() if each.state is State.FAIL]
    assert {each.exit_code for each in failed} == {4}
    assert "omnisearch index" in failed[0].value
    assert len({each.value for each in failed}) == len(failed)


def test_an_index_of_another_model_is_not_ready(indexed: Settings, tmp_path: Path) -> None:
    other = indexed.model_copy(update={"model": str(write_hashed_model(tmp_path / "other", "other"))})
    found = examine(other)
    assert found["index"].state is State.FAIL
    assert found["index"].exit_code == 4


def test_lost_points_are_seen(indexed: Settings) -> None:
    index = Index.open(indexed)
    with closing(index.store) as store:
        store.delete([next(store.scroll(Filter(modalities=(Modality.AUDIO,)))).payload.item_id])
    counts = examine(indexed)["counts"]
    assert (counts.state, counts.exit_code) == (State.FAIL, 1)
    assert "audio: 1 noted, 0 stored" in counts.value
    assert "omnisearch index" in counts.way_out


class Store:
    """Points in memory, and a search that finds only every second of the nearest."""

    def __init__(self, rows: Floats, skips: bool) -> None:
        self.rows, self.skips = rows, skips

    def points(self) -> Iterator[Point]:
        return (Point(str(n), row, Payload(str(n), Modality.IMAGE, "")) for n, row in enumerate(self.rows))

    def scroll(self, chosen: Filter = Filter(), with_vectors: bool = False) -> Iterator[Point]:  # noqa: B008
        assert with_vectors
        return self.points()

    def count(self, chosen: Filter = Filter()) -> int:  # noqa: B008
        return len(self.rows)

    def search(self, lookups: Sequence[Lookup], with_vectors: bool = False) -> list[list[Scored]]:
        found = []
        for lookup in lookups:
            scores = self.rows @ lookup.vector
            order = np.argsort(-scores)[:: 2 if self.skips else 1][: lookup.limit]
            found.append([Scored(str(i), float(scores[i]), Payload(str(i), Modality.IMAGE, "")) for i in order])
        return found


@pytest.mark.parametrize(("skips", "wanted"), [(False, 1.0), (True, 0.5)])
def test_recall_counts_what_a_search_misses(skips: bool, wanted: float) -> None:
    rows = np.random.default_rng(0).normal(size=(300, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    share, queries = recall(Store(rows, skips), lambda m: rows if m is Modality.IMAGE else rows[:0])  # type: ignore[arg-type]
    assert queries > 0
    assert share == pytest.approx(wanted)


def test_likeness_is_the_mean_over_all_pairs() -> None:
    rows = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    pairs = [float(rows[i] @ rows[j]) for i in range(9) for j in range(i)]
    assert likeness(rows) == pytest.approx(np.mean(pairs), abs=1e-6)
    assert likeness(rows[:1]) is None
