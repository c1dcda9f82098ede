"""Recipes: those that ship are valid, and one that is not says where."""

from pathlib import Path

import pytest

from omnisearch.errors import UsageError
from omnisearch.spaces.registry import SPACES
from omnisearch_training.datasets import DECLARATIONS
from omnisearch_training.recipe import read_recipe

FOLDER = Path(__file__).parents[2] / "training" / "recipes"
RECIPES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_shipped_recipe_names_only_what_is_declared(path: Path) -> None:
    recipe = read_recipe(path)
    assert set(recipe.datasets) <= set(DECLARATIONS)
    assert all(each.modality in SPACES[name].towers for name, each in recipe.specialists.items())
    assert set(recipe.model.projectors) <= set(SPACES)
    assert set(recipe.specialists) <= set(recipe.model.projectors)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("seed = 0", "seed = 'x'"), "seed"),
        (("seed = 0", "sead = 0"), "sead"),
        (('photo = { kind = "identity" }', 'photo = { kind = "mlp" }'), r"need \[bind\]"),
        (("factors = [1, 1]", "factors = [1, 2, 3]"), "2 branches but 3"),
        (("seed = 0", "seed = "), "Invalid value"),
        (("folds = 2", "folds = 1"), "one fold"),
        (('kind = "head", hidden', 'kind = "tail", hidden'), r"specialists\.drawing\.training: .*'tail'"),
        (('modality = "point_cloud"', 'teacher = "drawing"\nmodality = "point_cloud"'), "object cannot learn from"),
    ],
)
def test_a_wrong_recipe_says_where(tmp_path: Path, change: tuple[str, str], named: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(RECIPES[0].read_text().replace(*change, 1))
    with pytest.raises(UsageError, match=named):
        read_recipe(path)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.toml"):
        read_recipe(tmp_path / "nowhere.toml")
