"""Select weight files by the names of files, spaces, models, and models that read text or speech."""

from collections.abc import Sequence
from pathlib import Path

from omnisearch.binding.installed import RELEASED, REMOVED, find_config, removal
from omnisearch.binding.model_facts import known_models, weight_files
from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.spaces import registry
from omnisearch.spaces.weights import licences
from omnisearch.spaces.weights.ocr_models import OCR_MODELS
from omnisearch.spaces.weights.spec import WeightSpec
from omnisearch.spaces.weights.speech_models import SPEECH_MODELS
from omnisearch.wording import did_you_mean


def needed_files(names: Sequence[str] | None, every: bool, settings: Settings) -> tuple[WeightSpec, ...]:
    """Return the weight files of the named files, spaces, models, and models that read text or speech, each once.

    Without names, they are those of the configured model.

    Raises:
        UsageError: a name is unknown.
        LicenceError: the settings refuse the licence of a model.
    """
    readers = {**SPEECH_MODELS, **OCR_MODELS}
    read = (spec for files in readers.values() for spec in files)
    known = dict(registry.FILES) | {spec.name: spec for spec in (*RELEASED.values(), *read)}
    if every:
        return tuple(known.values())
    wanted: dict[str, WeightSpec] = {}
    for name in names or (settings.model,):
        if name in known:
            found: tuple[WeightSpec, ...] = (known[name],)
        elif name in registry.SPACES:
            found = registry.files_of((name,))
        elif name in readers:
            found = readers[name]
        elif names is None or name in known_models(settings) or Path(name).is_dir():
            found = _files_of_model(name, settings)
        elif name in REMOVED:
            raise UsageError(removal(name))
        else:
            guess = did_you_mean(name, (*known_models(settings), *readers, *registry.SPACES, *known))
            raise UsageError(
                f"no weight file, space or model is called {name!r}{guess}; `omnisearch models ls` lists the models, "
                "`omnisearch models files` the files with their spaces"
            )
        wanted |= {spec.name: spec for spec in found}
    return tuple(wanted.values())


def needed_models(names: Sequence[str] | None, every: bool, settings: Settings) -> tuple[str, ...]:
    """Return the names that are models, or without names the configured model; nothing if `every` file is pulled."""
    if every:
        return ()
    known = known_models(settings)
    return tuple(name for name in names or (settings.model,) if not names or name in known or Path(name).is_dir())


def _files_of_model(name: str, settings: Settings) -> tuple[WeightSpec, ...]:
    config = find_config(name, settings)
    licences.check(
        config.name, [registry.SPACES[space] for space in config.projectors if space in registry.SPACES], settings
    )
    return weight_files(name, config, settings)
