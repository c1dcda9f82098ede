"""Classification and combining factors of every dataset by itself, over planted embeddings."""

from pathlib import Path

import numpy as np
import pytest

from omnisearch.binding.config import ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.model import OmniBind
from omnisearch.types import Modality
from omnisearch_training.datasets import Record, Split
from omnisearch_training.evaluate.ground_truth import Truth, entry_of, names
from omnisearch_training.evaluate.recall import Side, evaluate
from omnisearch_training.evaluate.router_stats import mean_factors
from omnisearch_training.evaluate.zero_shot import classify

TEXT, IMAGE = Modality.TEXT, Modality.IMAGE
DIM = 4


def record(key: str, name: str) -> Record:
    return Record(key, key, Split.TEST, (name,), {IMAGE: Path(f"{key}.png")}, "")


ANIMALS = [record("1", "dog"), record("2", "Dog"), record("3", "cat")]
TOYS = [record("4", "kite"), record("5", "drum"), record("6", "bell"), record("7", "dog")]
DATASETS = {"animals": ANIMALS, "toys": TOYS}
# Axes: dog, cat, kite, drum; a bell is a little of each. Picture 2 is a dog that looks more like a kite than like one,
# 3 a cat that looks like a dog, and 7 a toy dog that looks like a cat, which is no toy, and then like a drum.
SHOWN = np.array([[1, 0, 0, 0], [2, 1, 3, 0], [3, 2, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 1, 1], [1, 3, 0, 2]])
SAID = {"dog": [1, 0, 0, 0], "cat": [0, 1, 0, 0], "kite": [0, 0, 1, 0], "drum": [0, 0, 0, 1], "bell": [1, 1, 1, 1]}


def model(router: dict) -> OmniBind:
    config = {
        "name": "planted",
        "licence": "none",
        "dim": DIM,
        "projectors": {"left": {"kind": "identity"}, "right": {"kind": "identity"}},
        "branches": {"text": [{"parts": {"left": 1}}], "image": [{"parts": {"left": 1}}, {"parts": {"right": 1}}]},
        "routers": {"text": {"kind": "fixed", "factors": [1]}, "image": router},
    }
    return OmniBind(Fusion(ModelConfig.model_validate(config), {"left": DIM, "right": DIM}).eval(), {}, "planted", {})


def sides(records: list[Record]) -> dict[Modality, Side]:
    said = names(records)
    texts = np.array([SAID[entry.key.casefold()] for entry in said], np.float32)
    shown = np.array([SHOWN[int(r.id) - 1] for r in records], np.float32)
    texts, shown = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (texts, shown))
    images = {("left", IMAGE): shown, ("right", IMAGE): shown}
    return {TEXT: Side(said, {("left", TEXT): texts}), IMAGE: Side(tuple(map(entry_of, records)), images)}


def test_every_dataset_is_asked_for_its_own_concepts() -> None:
    found = classify(model({"kind": "fixed", "factors": [1, 1]}), DATASETS, sides(ANIMALS + TOYS))
    assert [(each.dataset, each.modality) for each in found] == [("animals", IMAGE), ("toys", IMAGE)]
    animals, toys = (each.recall for each in found)
    assert (animals.queries, animals.targets) == (3, 2)  # "dog" and "Dog" are one class
    assert animals.at[1] == pytest.approx(200 / 3)
    assert animals.chance == {1: 50, 5: 100, 10: 100}
    assert (toys.queries, toys.targets) == (4, 4)
    # The toy dog's products with kite, drum, bell and dog are 0, 2, 6 / 2 and 1 over one length: bell is first.
    assert toys.at[1] == 75
    assert toys.mean_rank == (1 + 1 + 1 + 3) / 4
    assert toys.chance[1] == 25


def test_a_single_dataset_is_classified_as_it_is_named() -> None:
    bound = model({"kind": "fixed", "factors": [1, 1]})
    (found,) = classify(bound, {"toys": TOYS}, sides(TOYS))
    named = next(r for r in evaluate(bound, TOYS, sides(TOYS)) if (r.query, r.truth) == (IMAGE, Truth.NAME))
    assert found.recall == named.recall


def test_what_has_one_concept_or_no_names_is_not_classified() -> None:
    bound = model({"kind": "fixed", "factors": [1, 1]})
    assert classify(bound, {"dogs": ANIMALS[:2]}, sides(ANIMALS[:2])) == []
    assert classify(bound, DATASETS, {IMAGE: sides(ANIMALS + TOYS)[IMAGE]}) == []


def test_fixed_factors_are_their_own_mean() -> None:
    found = mean_factors(model({"kind": "fixed", "factors": [3, 1]}), DATASETS, sides(ANIMALS + TOYS))
    assert [(f.dataset, f.modality, f.items) for f in found] == [("animals", IMAGE, 3), ("toys", IMAGE, 4)]
    for each in found:
        assert each.mean == {"left": 0.75, "right": 0.25}
        assert each.deviation == {"left": 0, "right": 0}


def test_learned_factors_are_averaged_over_the_items_of_a_dataset() -> None:
    bound = model({"kind": "learned", "inputs": ["left"], "hidden": [4, 4]})
    found = {each.dataset: each for each in mean_factors(bound, DATASETS, sides(ANIMALS + TOYS))}
    for name, records in DATASETS.items():
        drawn = bound.factors(IMAGE, sides(records)[IMAGE].embeddings)
        for branch in ("left", "right"):
            values = drawn[f"image:{branch}"]
            assert found[name].mean[branch] == pytest.approx(sum(values) / len(values), abs=1e-6)
            spread = np.sqrt(np.mean(np.square(values)) - np.mean(values) ** 2)
            assert found[name].deviation[branch] == pytest.approx(spread, abs=1e-3)
        assert sum(found[name].mean.values()) == pytest.approx(1, abs=1e-6)
