"""Calibration: what raw scores mean against chance."""

import numpy as np
import pytest

from omnisearch.binding.background import ENOUGH, Background, without_outliers
from omnisearch.binding.config import RelevanceConfig
from omnisearch.search.rank.calibration import (
    NOTHING,
    THOUSAND,
    Calibration,
    blend,
    nothing_matches,
    relevance,
)
from omnisearch.types import Modality


def rows(seed: int, n: int, shift: float, dim: int = 32) -> np.ndarray:
    """Unit rows with a common direction: the modality gap."""
    x = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    x[:, 0] += shift
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_chance_is_zero_with_spread_one_whatever_the_gap() -> None:
    background = Background({Modality.IMAGE: rows(0, 400, 0), Modality.AUDIO: rows(1, 400, 8)})
    query = rows(2, 1, 8)[0]
    for modality, shift in ((Modality.IMAGE, 0), (Modality.AUDIO, 8)):
        mean, spread = background.chance(query, modality)
        z = (rows(3, 400, shift) @ query - mean) / spread
        assert abs(z.mean()) < 0.2
        assert abs(z.std() - 1) < 0.2


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_related_items_in_the_background_do_not_count(share: float) -> None:
    """A query scores 0.6 to 0.9 with a part of the background, as with one subject from all sides."""
    unrelated, query = rows(0, 400, 0, 256), rows(2, 1, 0, 256)[0]
    random = np.random.default_rng(1)
    cosines = random.uniform(0.6, 0.9, (int(share * 400 / (1 - share)), 1)).astype(np.float32)
    beside = rows(3, len(cosines), 0, 256)
    beside -= (beside @ query)[:, None] * query
    beside /= np.linalg.norm(beside, axis=1, keepdims=True)
    related = cosines * query + np.sqrt(1 - cosines**2) * beside
    clean = Background({Modality.IMAGE: unrelated}).chance(query, Modality.IMAGE)
    mixed = Background({Modality.IMAGE: np.concatenate([unrelated, related])}).chance(query, Modality.IMAGE)
    assert mixed == pytest.approx(clean, rel=0.02, abs=0.002)


def test_an_unrelated_background_counts_whole() -> None:
    """The lines of a model are fitted to mean and standard deviation, so these stay what they are."""
    unrelated, query = rows(0, 400, 1), rows(2, 1, 1)[0]
    scores = unrelated @ query
    found = Background({Modality.IMAGE: unrelated}).chance(query, Modality.IMAGE)
    assert found == pytest.approx((scores.mean(), scores.std()), rel=1e-6)


def test_where_most_scores_are_the_same_all_count() -> None:
    scores = np.array([0.0] * 30 + [0.5] * 10, np.float32)
    assert len(without_outliers(scores)) == 40


def test_order_within_a_modality_is_the_order_of_scores() -> None:
    background = Background({Modality.IMAGE: rows(0, 400, 1)})
    scores = np.sort(np.random.default_rng(0).uniform(-1, 1, 50).astype(np.float32))
    odds = Calibration(*background.chance(rows(2, 1, 0)[0], Modality.IMAGE), RelevanceConfig()).odds(scores)
    assert (np.diff(odds) > 0).all()
    assert all(0 <= relevance(o) <= 1 for o in odds)


def test_a_handful_of_items_is_no_background() -> None:
    few = Background({Modality.IMAGE: rows(0, ENOUGH - 1, 5)})
    none = Background({})
    query = rows(1, 1, 5)[0]
    assert few.chance(query, Modality.IMAGE) == none.chance(query, Modality.IMAGE)


def test_without_a_background_chance_is_that_of_random_directions() -> None:
    """Cosines of a unit vector with random ones have mean 0 and variance 1/dim."""
    query = rows(0, 1, 0)[0]
    mean, spread = Background({}).chance(query, Modality.IMAGE)
    drawn = rows(1, 20_000, 0) @ query
    assert mean == 0
    assert abs(spread / drawn.std() - 1) < 0.05


def test_a_sum_of_modalities_is_judged_by_the_mean_of_their_log_odds() -> None:
    one, other = RelevanceConfig(slope=1.5, threshold=4), RelevanceConfig(slope=2.5, threshold=3)
    scores = np.linspace(-1, 1, 9, dtype=np.float32)
    first, second, both = (
        Calibration(0.1, 0.05, line).odds(scores) for line in (one, other, blend([(0.25, one), (0.75, other)]))
    )
    np.testing.assert_allclose(both, 0.25 * first + 0.75 * second, rtol=1e-9)
    alone = blend([(1.0, one)])
    assert (alone.slope, alone.threshold) == pytest.approx((one.slope, one.threshold))


@pytest.mark.parametrize(("found", "nothing"), [([], True), ([NOTHING / 2, 0.0], True), ([0.0, NOTHING], False)])
def test_nothing_matches_where_the_best_is_next_to_nothing(found: list[float], nothing: bool) -> None:
    assert nothing_matches(found, THOUSAND) is nothing


@pytest.mark.parametrize("slope", [1.2, 2.0])
def test_unrelated_items_are_told_from_matches_alike_whatever_their_number(slope: float) -> None:
    """Among normal scores a fixed bar is passed by nearly no small collection and by nearly every large one."""
    rng = np.random.default_rng(0)
    silent = {
        n: np.mean([nothing_matches([relevance(slope * (rng.normal(size=n).max() - 4))], n) for _ in range(200)])
        for n in (50, 500, 5000, 50_000)
    }
    fixed = {n: np.mean([slope * (rng.normal(size=n).max() - 4) < -1.386 for _ in range(200)]) for n in (50, 50_000)}
    assert max(silent.values()) - min(silent.values()) < fixed[50] - fixed[50_000]
