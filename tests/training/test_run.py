"""A whole run on generated pictures: pairs, a projector, a router, and a folder that loads."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.errors import UsageError
from omnisearch.types import Modality, Role
from omnisearch_training import run as running
from omnisearch_training.datasets import Record, Split
from omnisearch_training.recipe import Recipe, read_recipe
from omnisearch_training.run import Run
from omnisearch_training.stages.features import Table

IMAGE, TEXT = Modality.IMAGE, Modality.TEXT
RECIPES = Path(__file__).parents[2] / "training" / "recipes"
COLORS = {"red": (220, 30, 30), "green": (30, 160, 30), "blue": (30, 60, 220), "yellow": (240, 220, 30)}
RECIPE = Recipe.model_validate(
    {
        "pools": {"image": ["generated.parquet"]},
        "pairs": {"retrievers": [{"path": ["text", "image"], "spaces": ["hashed"]}], "k": 2, "method": "faiss"},
        "bind": {
            "anchor": {"hashed": 1},
            "training": {"heads": ["mix", "V"], "hidden": 32, "batch": 16, "epochs": 40, "temperature": 0.1},
        },
        "route": {"training": {"batch": 16, "epochs": 2, "decoupling": 0}},
        "background": 16,
        "model": {
            "name": "tiny",
            "licence": "none",
            "dim": 256,
            "projectors": {"hashed": {"kind": "mlp", "heads": 2, "hidden": 32}},
            "branches": {part: [{"parts": {"hashed": 1}, "tags": ["vision"]}] for part in ("text", "image")},
            "routers": {
                "text": {"kind": "fixed", "factors": [1]},
                "image": {"kind": "learned", "inputs": ["hashed"], "hidden": [8, 4]},
            },
            "centred": ["image"],
        },
    }
)


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dataset of one's own: noisy pictures of four colours, most for training."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(40):
        name = list(COLORS)[i % 4]
        pixels = np.clip(np.array(COLORS[name]) + rng.integers(-20, 20, (16, 16, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        split = "valid" if i >= 32 else "train"
        rows.append({"id": str(i), "source_id": name, "split": split, "captions": [name], "image": f"{i}.png"})
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "generated.parquet")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("generated")
def test_a_run_ends_in_a_model_that_loads_and_finds(tmp_path: Path) -> None:
    settings = load_settings(workers=1)
    run = Run(RECIPE, settings, tmp_path / "cache", tmp_path / "model")
    run.follow()
    model = OmniBind.load(str(tmp_path / "model"), settings)
    pictures = [np.full((16, 16, 3), color, np.uint8) for color in COLORS.values()]
    scores = model.encode(TEXT, list(COLORS), Role.QUERY) @ model.encode(IMAGE, pictures, Role.QUERY).T
    assert scores.argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert set(model.background) == {IMAGE, TEXT}
    assert set(model.config.relevance) == {IMAGE, TEXT, Modality.VIDEO}
    assert model.relevance(IMAGE, Modality.AUDIO) == model.relevance(IMAGE)  # no sound was there to ask with


@pytest.mark.slow
@pytest.mark.usefixtures("generated")
def test_following_twice_gives_the_same_model_from_the_same_pairs(tmp_path: Path) -> None:
    settings = load_settings(workers=1)
    for place in ("one", "two"):
        Run(RECIPE, settings, tmp_path / "cache", tmp_path / place).follow()
    one, two = (OmniBind.load(str(tmp_path / place), settings) for place in ("one", "two"))
    assert one.fingerprint == two.fingerprint
    assert len(list((tmp_path / "cache" / "runs" / "tiny").glob("*/pairs.parquet"))) == 1


def test_what_a_recipe_names_is_looked_at_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def begin(*rows: dict[str, object]) -> None:
        parquet.write_table(pa.Table.from_pylist(list(rows)), "generated.parquet")
        Run(RECIPE, load_settings(), tmp_path / "cache", tmp_path / "model")

    with pytest.raises(UsageError, match=r"'generated\.parquet' is neither a declared dataset nor a path"):
        Run(RECIPE, load_settings(), tmp_path / "cache", tmp_path / "model")
    with pytest.raises(UsageError, match=r"names gone\.png, which does not exist"):
        begin({"id": "a", "captions": ["red"], "image": "gone.png"})
    with pytest.raises(UsageError, match=r"two records of generated\.parquet have the id 'a'"):
        begin({"id": "a", "captions": ["red"]}, {"id": "a", "captions": ["green"]})
    begin({"id": "a", "captions": ["red"]}, {"id": "b", "captions": ["green"]})


def test_every_tower_that_a_run_needs_sees_a_file_when_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`object` reads views and `shape`, after it, points: rendering the models again would take half an hour."""
    monkeypatch.setattr(running, "open_named", lambda name: [Record(name, name, Split.TRAIN, (name,), {}, "")])
    run = Run(read_recipe(RECIPES / "mini.toml"), load_settings(), tmp_path, tmp_path / "model")
    asked = []
    monkeypatch.setattr(run.features, "fill", lambda records, modality, towers: asked.append((modality, set(towers))))
    monkeypatch.setattr(run.features, "table", lambda records, *asked: Table(tuple(records), np.zeros((1, 2))))
    run.items(("emoji",), IMAGE, ("efficientnet",))
    run.items(("instruments",), Modality.AUDIO, ("aisfx",))
    run.items(("furniture",), Modality.POINT_CLOUD, ("views",))
    assert asked == [
        (IMAGE, {"efficientnet"}),
        (Modality.AUDIO, {"aisfx", "yamnet"}),
        (Modality.POINT_CLOUD, {"views", "points"}),
    ]
