"""Heads that never saw a kind: what carries over to it, what does not, and what a description adds."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from omnisearch.errors import UsageError
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats, Modality
from omnisearch_training.datasets import DECLARATIONS, Record, Split
from omnisearch_training.evaluate import left_out_kinds as module
from omnisearch_training.evaluate.metrics import Ranking, mean_gain, mean_recall
from omnisearch_training.stages.heads import HeadConfig
from omnisearch_training.stages.pool_embeddings import Items

IMAGE = Modality.IMAGE
ABLATIONS = Path(__file__).parents[2] / "training/ablations"
DIM, CONCEPTS = 16, 60
HEADS = {"drawing": ("eye", HeadConfig(hidden=0, ensemble=1, dropout=0, noise=0.05, batch=100, steps=60, rate=1e-2))}
MEANINGS = unit(np.random.default_rng(0).normal(size=(CONCEPTS, DIM)).astype(np.float32))
# Names are digits in letters: source_id drops numbers.
NAMES = [f"{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(CONCEPTS)]


def embed(texts: Sequence[str]) -> Floats:
    """A name or "what NAME is" means its concept; what starts with "the" is noise."""
    rows = []
    for text in texts:
        name = text.split()[1] if text.startswith("what") else text
        noise = np.random.default_rng([*text.encode()]).normal(size=DIM)
        rows.append(MEANINGS[NAMES.index(name)] if name in NAMES else noise)
    return unit(np.array(rows, np.float32))


def kind(name: str, seen_by: int, split: Split = Split.TRAIN, spelled: str = "") -> Items:
    """Every concept once, in features that are a linear image of its meaning; `seen_by` chooses the image."""
    features = MEANINGS @ np.random.default_rng(seen_by).normal(size=(DIM, 24))
    records = tuple(
        Record(f"{name}/{each}", each, split, (f"{spelled}{each}",), {IMAGE: Path("x")}, "") for each in NAMES
    )
    return Items(records, {"eye": features.astype(np.float32)})


def asked(items: dict[str, Items], left_out: str, untrained: Sequence[Floats] = ()) -> dict[str, float]:
    found = module.ask(
        items, left_out, HEADS, lambda _: untrained, embed, lambda name: f"what {name.split()[-1]} is", 0
    )
    return {name: variant.ranking.recall().at[1] for name, variant in found.items()}


@pytest.mark.slow
def test_a_kind_is_found_if_it_looks_like_the_others_and_never_by_itself() -> None:
    items = {"drawings": kind("drawings", 1), "more": kind("more", 1), "strange": kind("strange", 2)}
    assert asked({name: items[name] for name in ("drawings", "more")}, "more")[module.NAMES] > 90
    assert asked({name: items[name] for name in ("drawings", "strange")}, "strange")[module.NAMES] < 20


def test_only_the_train_split_of_the_other_kinds_teaches() -> None:
    strange = {"more": kind("more", 2), "held out": kind("held out", 1, Split.TEST), "strange": kind("strange", 1)}
    assert asked(strange, "strange")[module.NAMES] < 20


def test_descriptions_help_where_names_say_nothing() -> None:
    items = {"drawings": kind("drawings", 1), "more": kind("more", 1, spelled="the ")}
    found = asked(items, "more")
    assert found[module.NAMES] < 15 < 30 < found[module.QUERIES]
    items = {"drawings": kind("drawings", 1, spelled="the "), "more": kind("more", 1)}
    found = asked(items, "more")
    assert found[module.NAMES] < 15 < 30 < found[module.CAPTIONS]


def test_untrained_spaces_are_asked_alone_and_with_the_heads() -> None:
    items = {"drawings": kind("drawings", 1), "strange": kind("strange", 2)}
    found = asked(items, "strange", [MEANINGS])
    assert found[module.UNTRAINED] == 100
    assert found[module.NAMES] < found[module.WITH] < 101


def test_the_mean_counts_kinds_equally() -> None:
    few = Ranking(np.array([1]), np.array([1]), np.array([0]), 50)
    many = Ranking(np.array([30] * 9), np.array([1] * 9), np.arange(9), 50)
    assert mean_recall([few, many])[10] == (50, 50, 50)
    first = Ranking(np.array([1] * 9), many.right, many.groups, 50)
    assert mean_gain([few, many], [few, first])[10] == (-50, -50, -50)


@pytest.mark.parametrize("modality", [IMAGE, Modality.AUDIO])
def test_every_dataset_with_pictures_or_sounds_is_of_one_kind(modality: Modality) -> None:
    kinds = module.read_kinds(ABLATIONS / f"kinds_{modality}.toml").kinds[modality]
    grouped = [name for datasets in kinds.values() for name in datasets]
    assert sorted(grouped) == sorted(name for name, each in DECLARATIONS.items() if modality in each.modalities)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('base = "a.toml"\n[kinds.image]\none = ["emoji"]', "kinds.image"),
        ('base = "a.toml"\n[kinds.text]\none = ["a"]\ntwo = ["b"]', "only image and audio have kinds"),
        ('base = "a.toml"\nstage = {}\n[kinds.audio]\none = ["a"]\ntwo = ["b"]', "only the image tower has a stage"),
        ("base =", "kinds.toml"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "kinds.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=named):
        module.read_kinds(path)
