"""Variations of a recipe: what a dotted place changes, what is shared, and the paired difference to the base."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from omnisearch.errors import UsageError
from omnisearch.types import Modality
from omnisearch_training.cli import app
from omnisearch_training.evaluate import ablation as module
from omnisearch_training.evaluate.ablation import BASE, Ablation, changed, compare, read_ablation
from omnisearch_training.evaluate.ground_truth import Truth
from omnisearch_training.evaluate.metrics import Ranking
from omnisearch_training.evaluate.recall import Question
from omnisearch_training.recipe import Recipe, read_recipe
from tests.training.test_run import generated  # noqa: F401 - a fixture

TEXT, IMAGE, AUDIO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO
TRAINING = Path(__file__).parents[2] / "training"
LEARNED = {"kind": "learned", "inputs": ["eyes"], "hidden": [8, 4]}
RECIPE = Recipe.model_validate(
    {
        "pools": {"image": ["pictures"], "audio": ["sounds"]},
        "pairs": {"retrievers": [{"path": ["text", "image"], "spaces": ["eyes"]}]},
        "bind": {"anchor": {"eyes": 1}, "training": {"heads": ["mix", "V"], "hidden": 8}},
        "route": {},
        "model": {
            "name": "two",
            "licence": "none",
            "dim": 4,
            "projectors": {
                "eyes": {"kind": "identity"},
                "ears": {"kind": "mlp", "heads": 2, "hidden": 8},
                "nose": {"kind": "mlp", "heads": 2, "hidden": 8},
            },
            "branches": {
                "text": [{"parts": {"eyes": 1}}, {"parts": {"ears": 1}}],
                "image": [{"parts": {"eyes": 1}}, {"parts": {"nose": 1}}],
                "audio": [{"parts": {"ears": 1}}],
            },
            "routers": {
                "text": LEARNED,
                "image": {"kind": "fixed", "factors": [3, 1]},
                "audio": {"kind": "fixed", "factors": [1]},
            },
            "centred": ["text"],
        },
    }
)


def test_a_place_is_changed_and_nothing_else() -> None:
    found = changed(RECIPE, {"route.training.decoupling": 0, "seed": 3, "model.centred": []})
    assert found.route is not None
    assert (found.route.training.decoupling, found.seed, found.model.centred) == (0, 3, ())
    back = {"route.training.decoupling": 3.0, "seed": 0, "model.centred": ["text"]}
    assert changed(found, back) == RECIPE
    assert changed(RECIPE, {}) == RECIPE


def test_a_star_is_every_entry_that_has_the_place() -> None:
    found = changed(RECIPE, {"bind.training.heads": ["mix"], "model.projectors.*.heads": 1})
    heads = {name: getattr(each, "heads", None) for name, each in found.model.projectors.items()}
    assert heads == {"eyes": None, "ears": 1, "nose": 1}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"route.training.decupling": 0}, r"route\.training\.decupling is not a setting of recipe two"),
        ({"model.projectors.*.tails": 1}, "is not a setting"),
        ({"bind.training.heads": ["mix"]}, "is not of the 1 heads"),
        ({"bind.training.k": 0}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_changed_is_named(settings: dict, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        changed(RECIPE, settings)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "read_recipe", lambda _: RECIPE)


@pytest.mark.usefixtures("read")
def test_each_space_alone_and_the_uniform_mean_come_by_themselves(tmp_path: Path) -> None:
    found = Ablation(base="two.toml").recipes(tmp_path)
    assert list(found) == [BASE, "only eyes", "only ears", "only nose", "uniform"]
    factors = {
        name: {m: getattr(router, "factors", "learned") for m, router in recipe.model.routers.items()}
        for name, recipe in found.items()
    }
    assert factors == {
        BASE: {TEXT: "learned", IMAGE: (3, 1), AUDIO: (1,)},
        "only eyes": {TEXT: (1, 0), IMAGE: (1, 0), AUDIO: (1,)},
        "only ears": {TEXT: (0, 1), IMAGE: (3, 1), AUDIO: (1,)},
        "only nose": {TEXT: "learned", IMAGE: (0, 1), AUDIO: (1,)},
        "uniform": {TEXT: (1, 1), IMAGE: (1, 1), AUDIO: (1,)},
    }
    # Where no router is left to learn there is nothing to route.
    assert [name for name, recipe in found.items() if recipe.route is None] == ["only eyes", "only ears", "uniform"]
    assert Ablation(base="two.toml", alone=False, uniform=False).recipes(tmp_path) == {BASE: RECIPE}


@pytest.mark.usefixtures("read")
def test_specialists_are_not_varied(tmp_path: Path) -> None:
    other = {"drawing": {"modality": "image", "datasets": ["emoji"], "training": {"kind": "head"}}}
    ablation = Ablation.model_validate(
        {"base": "two.toml", "variations": [{"name": "drawn", "set": {"specialists": other}}]}
    )
    with pytest.raises(UsageError, match="drawn trains other specialists"):
        ablation.recipes(tmp_path)


SHIPPED = sorted((TRAINING / "ablations").glob("[!k]*.toml"))  # kinds.toml is for `omnisearch train kinds`


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_what_ships_fits_together(path: Path) -> None:
    found = read_ablation(path).recipes(path.parent)
    assert len(found) > 2
    assert len({recipe.model_dump_json() for recipe in found.values()}) == len(found)
    assert found[BASE].model.name == read_recipe(TRAINING / "recipes" / "mini.toml").model.name


def test_texts_bind_no_space_that_the_model_lacks() -> None:
    found = read_ablation(TRAINING / "ablations" / "mico.toml").recipes(TRAINING / "ablations")
    for recipe in found.values():
        assert recipe.texts is None or set(recipe.texts.spaces) <= set(recipe.model.projectors)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("base = 'x.toml'\nvary = []")
    for name in ("a", "b"):
        with pytest.raises(UsageError, match=rf"ablation .*{name}\.toml"):
            read_ablation(tmp_path / f"{name}.toml")


def test_the_gain_is_the_base_s_over_each_variation() -> None:
    def ranking(ranks: list[int]) -> Ranking:
        return Ranking(np.array(ranks), np.ones(4, np.int64), np.arange(4), 50)

    asked, other = Question("text", IMAGE, Truth.NAME), Question("text", AUDIO, Truth.NAME)
    answers = {
        BASE: {asked: ranking([1, 1, 3, 20])},
        "worse": {asked: ranking([1, 20, 30, 40]), other: ranking([1] * 4)},
    }
    found = {(result.variant, result.target): result for result in compare(answers)}
    assert found[BASE, IMAGE].gain is None
    gain = found["worse", IMAGE].gain
    assert gain is not None
    # Of four queries the base has two at rank 1 and three among ten, the other one each.
    assert (gain[1][0], gain[10][0]) == (25, 50)
    assert gain[10][1] <= 50 <= gain[10][2]
    assert found["worse", AUDIO].gain is None


TINY = """
[pools]
image = ["generated.parquet"]
[pairs]
retrievers = [{ path = ["text", "image"], spaces = ["hashed"] }]
k = 2
method = "faiss"
[bind]
anchor = { hashed = 1 }
training = { heads = ["mix", "V"], hidden = 16, batch = 16, epochs = 4, temperature = 0.1 }
[route]
training = { batch = 16, epochs = 2, decoupling = 0 }
[model]
name = "tiny"
licence = "none"
dim = 256
projectors = { hashed = { kind = "mlp", heads = 2, hidden = 16 } }
branches = { text = [{ parts = { hashed = 1 } }], image = [{ parts = { hashed = 1 } }] }
routers.text = { kind = "fixed", factors = [1] }
routers.image = { kind = "learned", inputs = ["hashed"], hidden = [8, 4] }
"""
VARIATIONS = """
base = "tiny.toml"
alone = false
set = { background = 16 }
[[variations]]
name = "one head"
set = { "bind.training.heads" = ["mix"], "model.projectors.*.heads" = 1 }
[[variations]]
name = "k = 2"
set = { "bind.training.k" = 2, "route.training.k" = 2 }
"""


@pytest.mark.slow
@pytest.mark.usefixtures("generated")
def test_from_variations_to_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    (tmp_path / "ablation.toml").write_text(VARIATIONS)
    monkeypatch.setenv("OMNISEARCH_DATASETS_DIR", str(tmp_path / "cache"))
    table = str(tmp_path / "generated.parquet")
    asked = ["ablate", str(tmp_path / "ablation.toml"), "--data", table, "--format", "jsonl"]
    files = ["--out", str(tmp_path / "a.json"), "--markdown", str(tmp_path / "a.md")]
    done = CliRunner().invoke(app, [*asked, *files], catch_exceptions=False)
    assert done.exit_code == 0
    report = json.loads((tmp_path / "a.json").read_text())
    assert [json.loads(line) for line in done.stdout.splitlines()] == report["results"]
    names = [each["name"] for each in report["variations"]]
    assert names == ["base", "uniform", "one head", "k = 2"]
    assert len({each["fingerprint"] for each in report["variations"]}) == 4
    assert {"recipe", "versions", "weights", "data", "seed"} <= set(report)
    assert report["recipe"]["background"] == 16
    assert report["data"] == {table: {"valid": 8}}
    found = {(row["variant"], row["query"], row["target"]) for row in report["results"]}
    assert found == {(name, *way) for name in names for way in (("text", "image"), ("image", "text"))}
    assert all(("gain" in row) == (row["variant"] != BASE) for row in report["results"])
    tables = (tmp_path / "a.md").read_text()
    assert tables.count("| one head |") == 2
    assert "| variation | t2i | i2t | mean |" in tables
    # One table of pairs serves all, and what is trained already is not trained again.
    assert len(list((tmp_path / "cache" / "runs" / "tiny").glob("*/pairs.parquet"))) == 1
    assert len(list((tmp_path / "cache" / "runs" / "tiny").glob("*/hashed-*.safetensors"))) == 2 + 1 + 2


def test_a_text_router_is_trained_where_it_is_learned() -> None:
    found = read_ablation(TRAINING / "ablations" / "spaces.toml").recipes(TRAINING / "ablations")
    trained = {name: bool(recipe.texts and recipe.texts.router) for name, recipe in found.items()}
    assert (trained[BASE], trained["only multilingual"], trained["uniform"]) == (True, False, False)
