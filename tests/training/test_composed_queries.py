"""Composed queries: how names are taken apart, and that adding finds what shows both."""

import math
from pathlib import Path

import numpy as np
from PIL import Image

from omnisearch.binding.background import Background
from omnisearch.binding.config import RelevanceConfig
from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.spaces.families.hashed import COLORS
from omnisearch.types import Floats, Modality
from omnisearch_training.datasets.user_dataset import open_own
from omnisearch_training.evaluate.composed_queries import (
    AND,
    ITEM_ALONE,
    SUM,
    TEXT_ALONE,
    AndScores,
    SumQuestion,
    answers_to,
    evaluate_composed,
    make_sums,
)
from omnisearch_training.evaluate.ground_truth import Truth
from omnisearch_training.evaluate.metrics import rank
from omnisearch_training.evaluate.recall import encode
from omnisearch_training.stages.features import Features

COLOURS = ("red", "green", "blue", "yellow")


def test_names_are_taken_apart() -> None:
    asked = ["door", "glass", "door", "kite"]
    assert make_sums(asked, ["glass door", "door"]) == [
        SumQuestion(1, "glass", "door"),
        SumQuestion(0, "door", "glass"),
        SumQuestion(2, "door", "glass"),
    ]
    assert make_sums(["police car"], ["police car light", "car police", "car"]) == [
        SumQuestion(0, "police car", "light")
    ]
    # What is left must say something, and a sentence is not taken apart.
    assert make_sums(["pot"], ["pot of", "a very long sentence with pot"]) == []


def test_a_right_target_has_all_words_and_a_query_is_no_hit_of_itself() -> None:
    names = ["door", "glass door", "door of glass", "glass", "green door"]
    answers = answers_to([SumQuestion(0, "door", "glass")], names)
    assert answers == [{1, 2}]
    targets: Floats = np.array([[0.9], [0.1], [0.5], [0.6], [0.7]], np.float32)
    for own, expected in ((None, (4, 5)), ([0], (3, 4))):
        found = rank(np.ones((1, 1), np.float32), targets, answers, ["door"], own)
        assert (int(found.ranks[0]), found.targets) == expected


def test_adding_finds_what_shows_both(hashed_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "colours"
    folder.mkdir()
    for i, first in enumerate(COLOURS):
        for second in COLOURS[i:]:
            pixels = np.full((32, 32, 3), COLORS[first], np.uint8)
            pixels[16:] = COLORS[second]
            Image.fromarray(pixels).save(folder / f"{' '.join(dict.fromkeys((first, second)))}.png")
    settings = load_settings()
    model, features = OmniBind.load(str(hashed_model), settings), Features(tmp_path / "features", settings)
    records = list(open_own(folder))
    sides = encode(model, features, records, [Modality.TEXT, Modality.IMAGE])
    found = {r.variant: r for r in evaluate_composed(model, features, records, sides)}
    assert {(r.query, r.target, r.truth) for r in found.values()} == {
        ("image + text", Modality.IMAGE, Truth.BOTH),
    }
    # Each of the 6 pairs of colours is asked for from either side, among the 10 pictures but the query's own.
    assert (found[SUM].recall.queries, found[SUM].recall.targets) == (12, 9)
    assert found[SUM].recall.at[1] == 100
    for alone in (ITEM_ALONE, TEXT_ALONE):
        assert found[alone].recall.at[1] < 60
        assert found[alone].gain is not None
        assert found[alone].gain[1][1] > 0
    assert found[SUM].gain is None
    assert found[AND].recall.at[1] == 100


def test_and_holds_down_what_misses_a_term() -> None:
    # Without a background z is the cosine times the root of the width, here 2.
    terms = np.eye(4, dtype=np.float32)[:1], np.eye(4, dtype=np.float32)[1:2]
    targets = np.array([[0.9, 0.0, 0, 0], [0.4, 0.4, 0, 0]], np.float32)
    lines = RelevanceConfig(slope=1, threshold=0), RelevanceConfig(slope=2, threshold=0)
    judged = AndScores(Background({}), lines, Modality.IMAGE, terms, targets)
    odds = judged.odds(slice(0, 1))
    both = [1 / (1 + math.exp(-2 * a)) / (1 + math.exp(-4 * b)) for a, b in ((0.9, 0), (0.4, 0.4))]
    np.testing.assert_allclose(odds, [[math.log(r / (1 - r)) for r in both]], rtol=1e-5)
    assert odds[0, 1] > odds[0, 0]
    assert (terms[0] + terms[1]) @ targets[0] > (terms[0] + terms[1]) @ targets[1]  # what a sum would have put first
