"""Heads learn a planted map, and forget nothing that they are told not to tell apart."""

import numpy as np
import pytest
import torch

from omnisearch.types import Floats
from omnisearch_training.evaluate.metrics import recall
from omnisearch_training.stages.heads import HeadConfig, TextConfig, train_head


def unit(rows: np.ndarray) -> Floats:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture
def planted() -> tuple[Floats, list[Floats], list[str]]:
    """120 concepts with 2 items each: features are a random linear image of the caption, and noise."""
    rng = np.random.default_rng(0)
    captions = unit(rng.normal(size=(120, 16)))
    meaning = np.repeat(captions, 2, axis=0)
    features = meaning @ rng.normal(size=(16, 24)) + 0.1 * rng.normal(size=(240, 24))
    return features.astype(np.float32), [row[None] for row in meaning], [f"c{i // 2}" for i in range(240)]


CONFIG = HeadConfig(hidden=64, ensemble=2, dropout=0.1, noise=0.05, batch=100, steps=150, rate=3e-3)


def test_a_head_generalises_to_unseen_concepts(planted: tuple[Floats, list[Floats], list[str]]) -> None:
    features, captions, groups = planted
    head = train_head(features[:160], captions[:160], groups[:160], CONFIG, seed=0)
    with torch.inference_mode():
        found = head(torch.from_numpy(features[160:])).numpy()
    texts = np.concatenate(captions[160:])
    assert recall(texts, found, groups[160:], groups[160:]).at[1] > 80


def test_a_seed_is_a_result(planted: tuple[Floats, list[Floats], list[str]]) -> None:
    features, captions, groups = planted
    quick = CONFIG.model_copy(update={"steps": 3, "mixup": 0.5})
    heads = [train_head(features, captions, groups, quick, seed) for seed in (1, 1, 2)]
    x = torch.from_numpy(features[:5])
    with torch.inference_mode():
        torch.testing.assert_close(heads[0](x), heads[1](x), rtol=0, atol=0)
        assert not torch.equal(heads[0](x), heads[2](x))


def test_a_text_side_learns_what_the_items_do_not_show() -> None:
    """Features tell a quarter of what captions say; a text side that drops the rest finds unseen concepts better."""
    rng = np.random.default_rng(0)
    captions = unit(rng.normal(size=(400, 16)))
    features = (captions[:, :4] @ rng.normal(size=(4, 24))).astype(np.float32)
    given, names = [row[None] for row in captions[:300]], [str(i) for i in range(400)]
    found = []
    for text in (None, TextConfig(hidden=64, dropout=0, noise=0, decay=0)):
        head = train_head(features[:300], given, names[:300], CONFIG.model_copy(update={"text": text}), seed=0)
        texts = torch.from_numpy(captions[300:])
        with torch.inference_mode():
            items = head(torch.from_numpy(features[300:])).numpy()
            queries = (texts if head.text is None else head.text(texts)).numpy()
        found.append(recall(queries, items, names[300:], names[300:]).at[1])
    assert found[1] > found[0] + 5
