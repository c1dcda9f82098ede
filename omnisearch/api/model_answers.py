"""Descriptions of models, served or not. Models are found by name; clients cannot name folders of the server."""

from dataclasses import asdict

from omnisearch.binding import installed
from omnisearch.binding.config import ModelConfig
from omnisearch.binding.model_facts import add_sizes, known_models, model_facts, weight_files
from omnisearch.binding.plan import plan
from omnisearch.config import Settings
from omnisearch.errors import NotFoundError
from omnisearch.schema.model import ModelCheckOut, ModelDetailOut, ModelPlanOut, PlanStepOut, SpaceOut, WeightFileOut
from omnisearch.spaces.base import SpaceSpec
from omnisearch.spaces.weights.file_state import FileState, file_state
from omnisearch.spaces.weights.licences import commercial
from omnisearch.spaces.weights.ocr_models import OCR_MODELS
from omnisearch.spaces.weights.spec import verify
from omnisearch.spaces.weights.speech_models import SPEECH_MODELS
from omnisearch.types import Modality

READERS = {**SPEECH_MODELS, **OCR_MODELS}


def model_out(name: str, settings: Settings) -> ModelDetailOut:
    """Describe a model: one that searches, or one that reads text or speech, which has no modalities and spaces.

    Raises:
        NotFoundError: there is no model of that name.
        ModelMissingError: it binds a space that is not declared.
    """
    if name in READERS:
        return _reader_out(name, settings)
    _find(name, settings)
    facts = model_facts(name, settings)
    return ModelDetailOut(
        id=name,
        dimensions=facts.config.dim,
        modalities=list(facts.config.modalities),
        licence=facts.config.licence,
        commercial=facts.commercial,
        spaces=[_space(spec, facts.config) for spec in facts.spaces],
        files=[_file(state) for state in facts.files],
        size=facts.size,
        to_download=facts.to_download,
        ready=facts.problem is None,
        way_out=facts.problem,
        command=facts.command,
    )


def check_pullable(name: str, settings: Settings) -> None:
    """Check that a model, or a model that reads text or speech, can be pulled by its name. Raises as `model_out`."""
    model_out(name, settings)


def _reader_out(name: str, settings: Settings) -> ModelDetailOut:
    files = [file_state(spec, settings) for spec in READERS[name]]
    problem = next((str(file.problem) for file in files if file.problem), None)
    return ModelDetailOut(
        id=name,
        dimensions=0,
        modalities=[],
        licence=", ".join(sorted({file.spec.licence for file in files})),
        commercial=all(commercial(file.spec.licence) for file in files),
        spaces=[],
        files=[_file(file) for file in files],
        size=add_sizes(file.size for file in files),
        to_download=add_sizes(file.size for file in files if file.problem),
        ready=problem is None,
        way_out=problem,
        command=None if problem is None else f"omnisearch models pull {name}",
    )


def plan_out(name: str, settings: Settings) -> ModelPlanOut:
    """Plan a model on this machine, without its weights.

    Raises:
        NotFoundError: there is no model of that name.
        ModelMissingError: it binds a space that is not declared.
        SettingsError: its vectors cannot be cut to the server's setting `dim`.
    """
    steps = [
        PlanStepOut(
            **{field: list(value) if isinstance(value, tuple) else value for field, value in asdict(step).items()}
        )
        for step in plan(_find(name, settings), settings)
    ]
    return ModelPlanOut(id=name, fits=all(step.fits for step in steps), steps=steps)


def check_out(name: str, settings: Settings) -> ModelCheckOut:
    """Hash the weight files of a model. Raises as `model_out`."""
    config = _find(name, settings)
    files = [_file(file_state(spec, settings, verify)) for spec in weight_files(name, config, settings)]
    return ModelCheckOut(id=name, sound=not any(file.problem for file in files), files=files)


def _find(name: str, settings: Settings) -> ModelConfig:
    known = known_models(settings)
    if name not in known:
        raise NotFoundError(f"no model {name!r}: the models are {', '.join(sorted(known))}")
    return installed.find_config(known[name], settings)


def _file(state: FileState) -> WeightFileOut:
    problem = str(state.problem) if state.problem else None
    return WeightFileOut(name=state.spec.name, size=state.size, licence=state.spec.licence, problem=problem)


def _space(spec: SpaceSpec, config: ModelConfig) -> SpaceOut:
    modalities = [part for part in Modality if part in config.branches and spec.name in config.spaces(part)]
    return SpaceOut(
        name=spec.name,
        modalities=modalities,
        dimensions=spec.dim,
        licence=spec.licence,
        commercial=commercial(spec.licence),
    )
