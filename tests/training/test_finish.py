"""What is estimated after training: means, a background, the scale of relevance."""

import numpy as np
import pytest

from omnisearch.binding.config import ModelConfig, RelevanceConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.search.calibration import Background, logit, relevance
from omnisearch.types import Floats, Modality
from omnisearch_training import finish

IMAGE, AUDIO, VIDEO = Modality.IMAGE, Modality.AUDIO, Modality.VIDEO


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
    assert np.linalg.norm(finish.fuse(fusion, IMAGE, embeddings).mean(axis=0)) > 0.4
    finish.centre(fusion, embeddings)
    assert np.linalg.norm(finish.fuse(fusion, IMAGE, embeddings).mean(axis=0)) < 0.05
    again = fusion.means["image"].clone()
    finish.centre(fusion, embeddings)  # centring twice is centring once
    assert (fusion.means["image"] - again).abs().max() < 1e-6


def test_a_background_is_drawn_from_the_pools_and_mixed_for_video() -> None:
    pools = {IMAGE: units(0, 50), AUDIO: units(1, 30)}
    drawn = finish.background(pools, {IMAGE: 0.7, AUDIO: 0.3}, size=40, seed=0)
    assert {m: len(rows) for m, rows in drawn.items()} == {IMAGE: 40, AUDIO: 30, VIDEO: 30}
    assert all(row.tolist() in pools[IMAGE].tolist() for row in drawn[IMAGE])
    np.testing.assert_allclose(np.linalg.norm(drawn[VIDEO], axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("noise", [1.0, 2.5])
def test_relevance_is_a_logistic_fit_moved_to_the_prior(noise: float) -> None:
    rng = np.random.default_rng(0)
    queries = units(0, 1000)
    items = queries + noise * rng.normal(size=queries.shape).astype(np.float32) / np.sqrt(32)
    items /= np.linalg.norm(items, axis=1, keepdims=True)
    chance = Background({IMAGE: units(5, 400)})
    config = finish.fit_relevance(chance, IMAGE, finish.Pairs(queries, items), seed=0)
    right, wrong = (
        np.array([_odds(chance, config, q, i) for q, i in zip(queries, others, strict=True)])
        for others in (items, np.roll(items, 1, axis=0))
    )
    assert (right > wrong).mean() > 0.9
    assert np.mean([relevance(o) for o in wrong]) < 0.03
    # The moment condition of a logistic fit: at equal shares the mean of what it says is the share of matches.
    at_equal_shares = np.concatenate([right, wrong]) + np.log((1 - finish.PRIOR) / finish.PRIOR)
    assert np.mean([relevance(o) for o in at_equal_shares]) == pytest.approx(0.5, abs=0.02)


def _odds(chance: Background, config: RelevanceConfig, query: Floats, item: Floats) -> float:
    return float(logit(chance.surprise(query, IMAGE, (query @ item)[None]), config)[0])
