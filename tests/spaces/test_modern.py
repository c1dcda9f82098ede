"""The permissively licensed towers: their loaders are what is declared, and name what is missing."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from omnisearch.config import load_settings
from omnisearch.errors import ModelMissingError
from omnisearch.spaces.declared import modern, studio
from omnisearch.spaces.pipeline import Loader
from omnisearch.spaces.weights.licences import commercial
from omnisearch.spaces.weights.spec import Hub

SPECS = {spec.name: spec for spec in (*modern.TOWERS, *studio.TOWERS)}
# Those that a `Loader` builds, itself or inside another.
LOADED = [name for name, spec in SPECS.items() if "view_tower" not in spec.target and "uni3d" not in spec.target]


def loader_of(name: str) -> Loader:
    module, _, member = SPECS[name].target.partition(":")
    found = getattr(import_module(module), member)
    for inner in ("window", "encoder", "loader"):
        found = getattr(found, inner, found)
    assert isinstance(found, Loader)
    return found


@pytest.mark.parametrize("name", LOADED)
def test_a_loader_is_what_its_declaration_says(name: str) -> None:
    spec, loader = SPECS[name], loader_of(name)
    assert (loader.name, loader.width) == (spec.name, spec.width)
    assert loader.weights == spec.weights[0]


@pytest.mark.parametrize("name", LOADED)
def test_a_missing_file_is_named_before_anything_is_built(name: str, tmp_path: Path) -> None:
    loader = replace(loader_of(name), build=lambda: pytest.fail("built without weights"))
    with pytest.raises(ModelMissingError, match=f"omnisearch models pull {SPECS[name].weights[0].name}"):
        loader.load(load_settings(weights_dir=tmp_path), "none")


def test_a_space_is_as_wide_as_its_towers_and_as_free_as_its_files() -> None:
    for space in modern.SPACES:
        specs = [SPECS[tower] for tower in space.towers.values()]
        assert {spec.width for spec in specs} == {space.dim}
        files = [weights for spec in specs for weights in spec.weights]
        assert {weights.licence for weights in files} == {space.licence}
        assert commercial(space.licence)
        assert all(isinstance(source, Hub) for weights in files for source in weights.sources)
