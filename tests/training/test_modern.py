"""The recipe of omnisearch-modern: its retrievers pair what its spaces read, and its heads learn from the pairs."""

from pathlib import Path

import numpy as np
import pytest
import torch

from omnisearch.binding.config import MlpConfig
from omnisearch.spaces.registry import SPACES
from omnisearch.types import Floats, Modality
from omnisearch_training.recipe import Recipe, read_recipe
from omnisearch_training.stages.pools import Pools
from omnisearch_training.stages.projectors import Anchor, train_projectors
from omnisearch_training.stages.pseudo_pairs import read_pairs, write_pairs

TEXT, IMAGE, AUDIO, POINTS = Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.POINT_CLOUD
ITEMS, CONCEPTS = 96, 12


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return read_recipe(Path(__file__).parents[2] / "training" / "recipes" / "omnisearch-modern.toml")


def embeddings(recipe: Recipe) -> dict[tuple[str, Modality], Floats]:
    """What each space gives of items that show a few concepts: all spaces tell these apart, each in its own way."""
    assert recipe.pairs
    draw = np.random.default_rng(0)
    found: dict[tuple[str, Modality], Floats] = {}
    concepts = {space: draw.standard_normal((CONCEPTS, 32)) for space in recipe.model.projectors}
    for modality, spaces in recipe.pairs.reads.items():
        for space in spaces:
            rows = concepts[space][np.arange(ITEMS) % CONCEPTS] + 0.3 * draw.standard_normal((ITEMS, 32))
            found[space, modality] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return found


def test_only_spaces_that_read_both_ends_of_a_hop_retrieve(recipe: Recipe) -> None:
    assert recipe.pairs
    for retriever in recipe.pairs.retrievers:
        for space, start, end in retriever.hops(retriever.path[0]):
            assert {start, end} <= set(SPACES[space].towers)
    reads = {space: {m for m, spaces in recipe.pairs.reads.items() if space in spaces} for space in SPACES}
    assert reads["uni3d_lvis"] == {TEXT, POINTS}, "EVA02-CLIP-E+'s image tower of 4.4 thousand million is not needed"
    assert recipe.bind
    assert set(recipe.bind.anchor) == {"pe_core"}


def test_heads_bring_sounds_and_points_to_the_anchor(recipe: Recipe, tmp_path: Path) -> None:
    assert recipe.pairs
    assert recipe.bind
    given = embeddings(recipe)
    table = tmp_path / "pairs.parquet"
    write_pairs(table, Pools(given, ("vision",) * ITEMS), recipe.pairs, {})
    training = recipe.bind.training.model_copy(update={"hidden": 64, "batch": 64, "epochs": 8})
    pairs, anchor = read_pairs(table, training.k), Anchor(recipe.bind.anchor, given)
    for space, part in (("pe_av", AUDIO), ("uni3d_lvis", POINTS)):
        assert recipe.model.projectors[space] == MlpConfig(heads=1, hidden=2048)
        groups = {m: np.arange(ITEMS) % CONCEPTS for m in pairs.modalities}
        head = train_projectors(space, given, anchor, pairs, training, 0, groups)
        rows = head(torch.from_numpy(given[space, part])).detach().numpy()
        scores = rows @ given["pe_core", IMAGE].T
        hits = (scores.argmax(1) % CONCEPTS == np.arange(ITEMS) % CONCEPTS).mean()
        assert hits > 0.6, f"{space}: {hits:.2f} of {part}, where chance is {1 / CONCEPTS:.2f}"
