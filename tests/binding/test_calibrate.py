"""What is estimated after training: means, a background, the scale of relevance."""

import numpy as np
import pytest

from omnisearch.binding import calibrate
from omnisearch.binding.background import Background
from omnisearch.binding.config import ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.search.rank.calibration import Calibration, relevance
from omnisearch.types import Floats, Modality

TEXT, IMAGE, AUDIO, VIDEO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.VIDEO


def units(seed: int, n: int, dim: int = 32, shift: float = 0.0) -> Floats:
    rows = np.random.default_rng(seed).normal(size=(n, dim)) + shift
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_a_centred_pool_has_no_mean_left() -> None:
    config = ModelConfig.model_validate(
        {
            "name": "m",
            "licence": "none",
            "dim": 32,
            "projectors": {"s": {"kind": "identity"}},
            "branches": {"image": [{"parts": {"s": 1}}]},
            "routers": {"image": {"kind": "fixed", "factors": [1]}},
            "centred": ["image"],
        }
    )
    fusion = Fusion(config, {"s": 32})
    embeddings = {("s", IMAGE): units(0, 500, shift=0.5)}
    assert np.linalg.norm(calibrate.fuse(fusion, IMAGE, embeddings).mean(axis=0)) > 0.4
    calibrate.centre(fusion, embeddings)
    assert np.linalg.norm(calibrate.fuse(fusion, IMAGE, embeddings).mean(axis=0)) < 0.05
    again = fusion.means["image"].clone()
    calibrate.centre(fusion, embeddings)  # centring twice is centring once
    assert (fusion.means["image"] - again).abs().max() < 1e-6


def test_a_background_is_drawn_from_the_pools_and_mixed_for_video() -> None:
    pools = {IMAGE: units(0, 50), AUDIO: units(1, 30)}
    drawn = calibrate.background(pools, {IMAGE: 0.7, AUDIO: 0.3}, size=40, seed=0)
    assert {m: len(rows) for m, rows in drawn.items()} == {IMAGE: 40, AUDIO: 30, VIDEO: 30}
    assert all(row.tolist() in pools[IMAGE].tolist() for row in drawn[IMAGE])
    np.testing.assert_allclose(np.linalg.norm(drawn[VIDEO], axis=1), 1, atol=1e-5)


def side(rows: Floats, groups: list[int] | None = None) -> calibrate.Side:
    ids = np.arange(len(rows))
    return calibrate.Side(rows, ids if groups is None else np.array(groups), ids)


def near(rows: Floats, noise: float, seed: int = 1) -> Floats:
    moved = rows + noise * np.random.default_rng(seed).normal(size=rows.shape) / np.sqrt(rows.shape[1])
    return (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("noise", [1.0, 2.5])
def test_relevance_is_the_probability_of_a_match_where_one_in_a_hundred_matches(noise: float) -> None:
    queries = units(0, 200)
    chance = Background({IMAGE: units(5, 400)})
    found = calibrate.weigh(chance, {AUDIO: side(queries)}, {IMAGE: side(near(queries, noise))})
    config = calibrate.by_pair(found)[AUDIO][IMAGE]
    right, wrong = (
        np.array([relevance(o) for o in Calibration(0.0, 1.0, config).odds(z.astype(np.float32))])
        for z in (found[AUDIO, IMAGE].right, found[AUDIO, IMAGE].wrong)
    )
    assert (len(right), len(wrong)) == (200, 200 * 199)
    assert np.median(right) > 20 * np.median(wrong)
    # The moment condition of a logistic fit: the mean of what it says is the share of matches.
    assert 0.01 * right.mean() + 0.99 * wrong.mean() == pytest.approx(0.01, rel=0.02)


def test_each_pair_of_modalities_has_a_line_and_those_without_ground_truth_that_of_the_items() -> None:
    queries = units(0, 60)
    rows = {AUDIO: near(queries, 3.0, 2), IMAGE: near(queries, 0.5, 3), TEXT: near(queries, 1.5, 4)}
    strangers = side(units(9, 30), list(range(1000, 1030)))
    chance = Background({m: units(5, 400) for m in rows})
    asked = {m: side(each) for m, each in rows.items()} | {Modality.POINT_CLOUD: strangers}
    found = calibrate.weigh(chance, asked, {m: side(each) for m, each in rows.items()})
    pairs, targets = calibrate.by_pair(found), calibrate.by_target(found)
    assert Modality.POINT_CLOUD not in pairs
    # What lies near is told from chance more sharply, and whatever asks is somewhere between.
    sharp, dull = pairs[TEXT][IMAGE], pairs[TEXT][AUDIO]
    assert sharp.slope > dull.slope
    low, high = sorted(pairs[q][IMAGE].slope for q in (TEXT, AUDIO))
    assert low < targets[IMAGE].slope < high
    assert pairs[TEXT][VIDEO] == sharp
    assert pairs[VIDEO] == pairs[IMAGE]
    assert targets[VIDEO] == targets[IMAGE]


def test_nothing_answers_itself_and_few_concepts_say_nothing() -> None:
    rows = units(0, 2 * calibrate.LEAST)
    chance = Background({IMAGE: units(5, 400)})
    alone = side(rows)
    assert calibrate.weigh(chance, {IMAGE: alone}, {IMAGE: alone}) == {}
    for concepts in (calibrate.LEAST - 1, calibrate.LEAST):
        groups = [i // 2 if i // 2 < concepts else 100 + i for i in range(len(rows))]
        found = calibrate.weigh(chance, {IMAGE: side(rows, groups)}, {IMAGE: side(rows, groups)})
        assert len(found[IMAGE, IMAGE].right) == 2 * concepts
        assert (IMAGE in calibrate.by_pair(found)) is (concepts == calibrate.LEAST)
        assert set(calibrate.by_target(found)) == {IMAGE, VIDEO}
