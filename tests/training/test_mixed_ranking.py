"""Mixed lists over a collection whose modalities lie apart by a known gap."""

from collections.abc import Mapping

import numpy as np
import pytest

from omnisearch.binding.background import Background
from omnisearch.binding.config import RelevanceConfig
from omnisearch.types import Floats, Modality
from omnisearch_training.evaluate.mixed_ranking import (
    Collection,
    in_cut,
    measure,
    rank_fusion,
    raw,
    relevance,
    silence,
    thinned,
)

TEXT, IMAGE, AUDIO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO
DIM, CONCEPTS = 64, 120


class Model:
    """The one thing that a way asks of a model."""

    def relevance(self, modality: Modality, query: Modality | None = None) -> RelevanceConfig:
        """One line for all, but for sounds that are asked with texts: they stand last."""
        return RelevanceConfig(threshold=40.0) if (query, modality) == (TEXT, AUDIO) else RelevanceConfig()


def unit(rows: np.ndarray) -> Floats:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def collection() -> Collection:
    """One item of each concept in each modality; every modality is moved in a direction of its own."""
    rng = np.random.default_rng(0)
    meaning = rng.normal(size=(CONCEPTS, DIM))
    rows = {
        m: unit(meaning + 0.8 * rng.normal(size=meaning.shape) + 1.5 * rng.normal(size=DIM))
        for m in (TEXT, IMAGE, AUDIO)
    }
    return Collection(rows, {m: np.array([f"c{i}" for i in range(CONCEPTS)], object) for m in rows})


def test_the_items_in_a_cut_are_counted_with_the_right_ones_among_them(collection: Collection) -> None:
    """Of the 240 items of other modalities, two are right; with this way 3 items are relevant, one of them right."""
    right = np.flatnonzero(collection.concepts[IMAGE] == "c5")

    def way(asked: Modality, query: Floats, scores: Mapping[Modality, Floats]) -> Mapping[Modality, np.ndarray]:
        odds = {m: np.full(len(row), -9.0) for m, row in scores.items()}
        odds[IMAGE][right] = odds[AUDIO][:2] = 1.0
        odds[TEXT][:] = 9.0
        return odds

    counts = in_cut(way, collection, TEXT, 0.5)
    assert {tuple(row) for row in counts} == {(3, 1, 2), (3, 0, 2)}
    assert sum(row[1] for row in counts) == 3  # "c5", and the concepts of the first two sounds
    assert in_cut(way, collection, TEXT, 0.9)[:, 0].max() == 0


def test_by_raw_cosine_a_list_is_full_of_the_query_s_own_kind(collection: Collection) -> None:
    found = measure("raw", raw, collection, TEXT)
    assert found.queries == CONCEPTS
    assert found.share[TEXT] > 90


def test_by_relevance_every_kind_has_its_chance(collection: Collection) -> None:
    way = relevance(Model(), Background(collection.rows), by_query=False)  # type: ignore[arg-type]
    found, before = measure("ours", way, collection, TEXT), measure("raw", raw, collection, TEXT)
    assert found.each > before.each + 50
    assert found.any > 90
    assert max(found.share.values()) < 60


def test_a_line_of_a_pair_counts_for_that_pair_alone(collection: Collection) -> None:
    way = relevance(Model(), Background(collection.rows))  # type: ignore[arg-type]
    assert measure("ours", way, collection, TEXT).share[AUDIO] == 0
    assert measure("ours", way, collection, IMAGE).share[AUDIO] > 10


def test_rank_fusion_gives_equal_shares_whatever_matches(collection: Collection) -> None:
    found = measure("fusion", rank_fusion, collection, TEXT)
    assert all(29 < share < 41 for share in found.share.values())


def test_a_query_is_no_answer_to_itself(collection: Collection) -> None:
    alone = Collection({TEXT: collection.rows[TEXT]}, {TEXT: np.array(["c"] * 2 + ["d"] * (CONCEPTS - 2), object)})

    def way(asked: Modality, query: Floats, scores: Mapping[Modality, Floats]) -> Mapping[Modality, np.ndarray]:
        assert len(scores[TEXT]) == CONCEPTS - 1
        assert scores[TEXT].max() < 0.999
        return raw(asked, query, scores)

    assert measure("raw", way, alone, TEXT).queries == CONCEPTS


def test_answers_that_hold_nothing_are_less_relevant(collection: Collection) -> None:
    way = relevance(Model(), Background(collection.rows))  # type: ignore[arg-type]
    answered, empty = silence(way, collection, TEXT)
    assert np.median(answered) > np.median(empty)


def test_a_thinned_collection_keeps_its_proportions_and_what_each_row_shows(collection: Collection) -> None:
    third = thinned(collection, collection.size // 3, seed=1)
    assert {m: len(rows) for m, rows in third.rows.items()} == dict.fromkeys(collection.rows, CONCEPTS // 3)
    for m, rows in third.rows.items():
        for row, concept in zip(rows, third.concepts[m], strict=True):
            np.testing.assert_array_equal(row, collection.rows[m][collection.concepts[m] == concept][0])
