"""Cross-fitting: an item is projected by a network that never saw it, and nothing is trained twice."""

from pathlib import Path

import numpy as np
import pytest
import torch

from omnisearch.config import load_settings
from omnisearch.spaces.head import Head
from omnisearch.spaces.registry import load_space
from omnisearch.spaces.trained_space import Specialist
from omnisearch.types import Floats, Modality
from omnisearch_training.datasets.split import Split, split_of
from omnisearch_training.evaluate.metrics import recall
from omnisearch_training.stages.crossfit import CrossFit, Lessons, cross_fit, fold_of, folds_of, ship

AUDIO = Modality.AUDIO
FOLDS = 3
CONCEPTS = [f"thing {i}" for i in range(60)]


def unit(rows: np.ndarray) -> Floats:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def make_lessons() -> Lessons:
    """Two items of each concept, whose features say nothing about their captions: they can only be memorised."""
    rng = np.random.default_rng(0)
    names = np.repeat(unit(rng.normal(size=(60, 384))), 2, axis=0)
    features = rng.normal(size=(120, 512)).astype(np.float32)
    return Lessons(features, [name[None] for name in names], [c for c in CONCEPTS for _ in range(2)])


def memorise(lessons: Lessons, path: Path) -> None:
    """Fit more weights than items exactly, in closed form."""
    head = Head(512, 384)
    weights, *_ = np.linalg.lstsq(lessons.features, np.concatenate(lessons.captions), rcond=None)
    with torch.no_grad():
        head.weights[0].copy_(torch.from_numpy(weights)[None])
    head.save(path)


@pytest.fixture
def sound() -> Specialist:
    space = load_space("sound", load_settings())
    assert isinstance(space, Specialist)
    return space


def fit(sound: Specialist, lessons: Lessons, folder: Path, train=memorise, identity: str = "x") -> CrossFit:  # type: ignore[no-untyped-def]
    return cross_fit(sound, lambda _: lessons, train, FOLDS, folder, identity)


def test_folds_are_even_and_do_not_know_the_splits() -> None:
    names = [f"concept {i}" for i in range(6000)]
    found = folds_of(names, FOLDS)
    for split in Split:
        shares = np.bincount([f for f, name in zip(found, names, strict=True) if split_of(name) is split]) / sum(
            split_of(name) is split for name in names
        )
        # Six standard deviations of a share of a third.
        assert np.abs(shares - 1 / 3).max() < 6 * (2 / 9 / sum(split_of(name) is split for name in names)) ** 0.5
    assert [fold_of(name, FOLDS) for name in reversed(names)] == found[::-1].tolist()


def test_out_of_fold_what_was_memorised_is_at_chance(sound: Specialist, tmp_path: Path) -> None:
    lessons = make_lessons()
    fitted = fit(sound, lessons, tmp_path)
    texts = np.concatenate(lessons.captions)

    def found(space: CrossFit) -> float:
        rows = space.project(AUDIO, lessons.features, lessons.concepts)
        return recall(texts, rows, lessons.concepts, lessons.concepts).at[1]

    assert found(CrossFit(fitted.space)) == 100
    assert found(fitted) < 10  # chance is 1.7
    for fold in range(FOLDS):
        inside = np.array(folds_of(lessons.concepts, FOLDS) == fold)
        rows = fitted.without(fold).project(AUDIO, lessons.features)
        cosines = (rows * texts).sum(axis=1)
        assert cosines[~inside].min() > 0.99
        assert cosines[inside].max() < 0.5


def test_a_network_stands_until_an_item_that_it_saw_changes(sound: Specialist, tmp_path: Path) -> None:
    lessons = make_lessons()
    before = fit(sound, lessons, tmp_path)
    changed = lessons.features.copy()
    changed[7] += 1
    after = fit(sound, Lessons(changed, lessons.captions, lessons.concepts), tmp_path)
    own = fold_of(lessons.concepts[7], FOLDS)
    same = [one.fingerprint == two.fingerprint for one, two in zip(before.folds, after.folds, strict=True)]
    assert same == [fold == own for fold in range(FOLDS)]
    assert before.space.fingerprint != after.space.fingerprint


@pytest.mark.parametrize("killed_at", [1, 3])
def test_a_killed_cross_fit_goes_on_and_trains_nothing_twice(sound: Specialist, tmp_path: Path, killed_at: int) -> None:
    lessons, trained = make_lessons(), []

    def train(given: Lessons, path: Path) -> None:
        trained.append(path)
        if len(trained) == killed_at:
            raise KeyboardInterrupt
        memorise(given, path)

    with pytest.raises(KeyboardInterrupt):
        fit(sound, lessons, tmp_path, train)
    found = fit(sound, lessons, tmp_path, train)
    assert len(trained) == 1 + FOLDS + 1
    assert fit(sound, lessons, tmp_path, train).space.fingerprint == found.space.fingerprint
    assert len(trained) == 1 + FOLDS + 1
    fit(sound, lessons, tmp_path, train, "another seed")
    assert len(trained) == 2 * (1 + FOLDS) + 1


def test_rows_do_not_depend_on_their_order(sound: Specialist, tmp_path: Path) -> None:
    lessons = make_lessons()
    fitted = fit(sound, lessons, tmp_path)
    order = np.random.default_rng(1).permutation(120)
    straight = fitted.project(AUDIO, lessons.features, lessons.concepts)
    turned = fitted.project(AUDIO, lessons.features[order], [lessons.concepts[i] for i in order])
    np.testing.assert_allclose(turned, straight[order], atol=1e-6)


def test_a_network_is_shipped_only_when_it_changed(
    sound: Specialist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnisearch.spaces.weights.spec.PACKAGE", tmp_path / "package")
    fitted = fit(sound, make_lessons(), tmp_path)
    for _ in range(2):
        ship(fitted.space)
        assert shipped(sound) == fitted.space.fingerprint
    written = sound.path.stat()
    ship(fitted.space)
    assert sound.path.stat() == written
    ship(fitted.folds[0])
    assert shipped(sound) == fitted.folds[0].fingerprint != fitted.space.fingerprint


def shipped(space: Specialist) -> str:
    """The fingerprint of the network that ships now: a space keeps that of the network that it has."""
    return type(space)(space.spec, space._settings).fingerprint
