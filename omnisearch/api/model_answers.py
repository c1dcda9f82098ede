"""Descriptions of models, served or not. Models are found by name; clients cannot name folders of the server."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from omnisearch.binding import installed, model_files
from omnisearch.binding.config import ModelConfig
from omnisearch.binding.official import OFFICIAL
from omnisearch.binding.plan import plan
from omnisearch.config import Settings
from omnisearch.errors import ModelMissingError, NotFoundError, WeightsError
from omnisearch.schema.model import ModelCheckOut, ModelDetailOut, ModelPlanOut, PlanStepOut, SpaceOut, WeightFileOut
from omnisearch.spaces.registry import SPACES
from omnisearch.spaces.weights.licences import commercial
from omnisearch.spaces.weights.spec import WeightSpec, resolve, verify
from omnisearch.types import Modality


def model_out(name: str, settings: Settings) -> ModelDetailOut:
    """Describe a model.

    Raises:
        NotFoundError: there is no model of that name.
    """
    found, config = _find(name, settings)
    files = [_file(spec, settings) for spec in _files(name, config)]
    sizes = [file.size for file in files]
    problem = next((file.problem for file in files if file.problem), None)
    if problem is None:
        try:
            installed.find(found, settings)
        except ModelMissingError as error:
            problem = str(error)
    spaces = [_space(space, config) for space in config.projectors]
    return ModelDetailOut(
        id=name,
        dimensions=config.dim,
        modalities=list(config.modalities),
        licence=config.licence,
        commercial=commercial(config.licence) and all(space.commercial for space in spaces),
        spaces=spaces,
        files=files,
        size=None if None in sizes else sum(size for size in sizes if size is not None),
        ready=problem is None,
        way_out=problem,
    )


def plan_out(name: str, settings: Settings) -> ModelPlanOut:
    """Plan a model on this machine, without its weights. Raises as `model_out`."""
    _, config = _find(name, settings)
    steps = [
        PlanStepOut(
            **{field: list(value) if isinstance(value, tuple) else value for field, value in asdict(step).items()}
        )
        for step in plan(config, settings)
    ]
    return ModelPlanOut(id=name, fits=all(step.fits for step in steps), steps=steps)


def check_out(name: str, settings: Settings) -> ModelCheckOut:
    """Hash the weight files of a model. Raises as `model_out`."""
    _, config = _find(name, settings)
    files = [_file(spec, settings, verify) for spec in _files(name, config)]
    return ModelCheckOut(id=name, sound=not any(file.problem for file in files), files=files)


def _find(name: str, settings: Settings) -> tuple[str, ModelConfig]:
    """Return the name or the folder that loads a model, and its configuration."""
    served = installed.find_config(settings.model, settings)
    if name == served.name:
        return settings.model, served
    folders = (model_files.SHIPPED, installed.models_dir(settings))
    known = {path.parent.name for folder in folders for path in folder.glob(f"*/{model_files.CONFIG}")} | set(OFFICIAL)
    if name not in known:
        raise NotFoundError(f"no model {name!r}: the models are {', '.join(sorted({served.name, *known}))}")
    return name, installed.find_config(name, settings)


def _files(name: str, config: ModelConfig) -> list[WeightSpec]:
    own = [installed.RELEASED[name]] if name in installed.RELEASED else []
    return [*own, *installed.files_of_model(config)]


def _file(
    spec: WeightSpec, settings: Settings, check: Callable[[WeightSpec, Path], object] = lambda *_: None
) -> WeightFileOut:
    path, problem = None, None
    try:
        path = resolve(spec, settings)
        check(spec, path)
    except (ModelMissingError, WeightsError) as error:
        problem = str(error)
    _, size = spec.held_to(settings.weights_dir)
    return WeightFileOut(
        name=spec.name, size=size or (path.stat().st_size if path else None), licence=spec.licence, problem=problem
    )


def _space(name: str, config: ModelConfig) -> SpaceOut:
    if name not in SPACES:
        raise NotFoundError(f"model {config.name} has a space {name!r}, which this version does not know")
    spec = SPACES[name]
    modalities = [part for part in Modality if part in config.branches and name in config.spaces(part)]
    return SpaceOut(
        name=name,
        modalities=modalities,
        dimensions=spec.dim,
        licence=spec.licence,
        commercial=commercial(spec.licence),
    )
