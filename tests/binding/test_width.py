"""Matryoshka widths: the first numbers of an embedding, as unit rows, for every modality and the background."""

import json
from pathlib import Path

import numpy as np
import pytest

from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.errors import CheckpointError, SettingsError
from omnisearch.spaces.towers import unit
from omnisearch.types import Content, Modality, Role
from tests.binding.test_model import AUDIO, IMAGE, TEXT, VIDEO, World, clip, image, sound

CONTENTS: dict[Modality, list[Content]] = {
    TEXT: ["red", "a dog"],
    IMAGE: [image(0), image(1)],
    AUDIO: [sound(0)],
    VIDEO: [clip(1), clip(2, heard=False)],
}


class Cut(World):
    """The small model, whose embeddings may be cut to half of their width."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.change(widths=[2])

    def change(self, **fields: object) -> None:
        path = self.folder / "model.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    def at(self, dim: int | None) -> OmniBind:
        return OmniBind.load(str(self.folder), load_settings(dim=dim), self.space)


@pytest.fixture
def world(tmp_path: Path) -> Cut:
    return Cut(tmp_path / "model")


@pytest.mark.parametrize("modality", CONTENTS)
def test_the_first_numbers_are_unit_rows(modality: Modality, world: Cut) -> None:
    whole, cut = world.at(None), world.at(2)
    assert (whole.dim, cut.dim) == (4, 2)
    spaces = cut.encode_spaces(modality, CONTENTS[modality], Role.DOCUMENT)
    expected = unit(whole.bind(modality, spaces)[:, :2])
    if modality is VIDEO:  # each part keeps its weight
        seen, heard = (unit(whole.bind(part, spaces)[:, :2]) for part in (IMAGE, AUDIO))
        expected = unit(0.7 * seen + 0.3 * heard)
    np.testing.assert_allclose(cut.bind(modality, spaces), expected, atol=1e-6)
    np.testing.assert_allclose(sum(cut.decompose(modality, spaces).values()), expected, atol=1e-6)


def test_the_background_is_cut_with_them(world: Cut) -> None:
    rows = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    whole, cut = world.at(None), world.at(2)
    fusion = whole._fusion
    np.testing.assert_allclose(OmniBind(fusion, {}, "", {TEXT: rows}, dim=2).background[TEXT], unit(rows[:, :2]))
    np.testing.assert_array_equal(OmniBind(fusion, {}, "", {TEXT: rows}).background[TEXT], rows)
    assert cut.fingerprint != whole.fingerprint
    assert world.at(4).fingerprint == whole.fingerprint


def test_a_width_that_was_not_trained_is_refused(world: Cut) -> None:
    with pytest.raises(SettingsError, match=r"^setting dim = 3: the vectors of small can have 4, 2 dimensions$"):
        world.at(3)


def test_a_width_is_smaller_than_the_full_one(world: Cut) -> None:
    world.change(widths=[2, 4])
    with pytest.raises(CheckpointError, match=r"widths \[2, 4\] must be smaller than dim 4"):
        world.at(None)
