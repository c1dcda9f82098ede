"""The published models on this machine: import the authors' files into folders beside the weights."""

from collections.abc import Mapping
from pathlib import Path

from omnisearch.binding import folder_names, model_files
from omnisearch.binding.config import ModelConfig, parse_config
from omnisearch.binding.official import OFFICIAL
from omnisearch.config import Settings
from omnisearch.errors import ModelMissingError
from omnisearch.spaces.registry import FILES, SPACES
from omnisearch.spaces.weights.spec import Hub, WeightSpec, resolve

_REPOSITORY, _FOLDERS = "Viglong/OmniBind", ("projs", "checkpoints/projs")  # the repository's page names both


def _released(name: str) -> WeightSpec:
    file = f"{name.removeprefix('omnibind-')}.pt"
    sources = tuple(Hub(_REPOSITORY, "main", f"{folder}/{file}") for folder in _FOLDERS)
    return WeightSpec(f"{name}.pt", None, None, "CC-BY-4.0", sources)


# Models that no longer ship, and the model to use in place of each.
REMOVED: Mapping[str, str] = {"omnisearch-modern": "everyday"}
# The files of projectors and routers of each published model.
RELEASED: Mapping[str, WeightSpec] = {name: _released(name) for name in OFFICIAL}


def models_dir(settings: Settings) -> Path:
    """Return the folder of imported published models."""
    return settings.weights_dir / folder_names.IMPORTED


def find(name: str, settings: Settings) -> Path:
    """Return the folder of an imported or shipped model by name, or of any model by path.

    Raises:
        ModelMissingError: there is none, or only its configuration; names the command that pulls or trains it, or
            lists the shipped models.
    """
    folder = _folder(name, settings)
    if folder.parent == folder_names.SHIPPED and not (folder / folder_names.TENSORS).is_file() and _is_trained(folder):
        raise ModelMissingError(
            f"the projectors of {name} are not trained: {models_dir(settings) / name} does not contain them; run "
            f"`{training_command(name)}`"
        )
    return folder


def training_command(name: str) -> str:
    """Return the command that trains the projectors of a shipped model on this machine."""
    return f"omnisearch train bind {name}"


def _folder(name: str, settings: Settings) -> Path:
    if (models_dir(settings) / name / folder_names.CONFIG).is_file():
        return models_dir(settings) / name
    if name in OFFICIAL and not (Path(name) / folder_names.CONFIG).is_file():
        raise ModelMissingError(f"the model {name} is not on this machine: run `omnisearch models pull {name}`")
    if name in REMOVED and not (Path(name) / folder_names.CONFIG).is_file():
        raise ModelMissingError(removal(name))
    return model_files.find_model_folder(name)


def removal(name: str) -> str:
    """Return the message that a removed model no longer ships, and what to use."""
    other = REMOVED[name]
    return f"the model {name} no longer ships: use {other} (`omnisearch models pull {other}`, then `--model {other}`)"


def _is_trained(folder: Path) -> bool:
    path = folder / folder_names.CONFIG
    return parse_config(path.read_text(encoding="utf-8"), path).has_tensors


def find_config(name: str, settings: Settings) -> ModelConfig:
    """Return the configuration of a published model by name, even if it is not pulled, or of any installed model.

    The model's projectors need not be trained.

    Raises:
        ModelMissingError: no model has this name.
        CheckpointError: its configuration cannot be read.
    """
    if name in OFFICIAL:
        return OFFICIAL[name].config
    try:
        path = _folder(name, settings) / folder_names.CONFIG
    except ModelMissingError as error:
        if name in REMOVED:
            raise
        raise ModelMissingError(f"{error}, nor one of {', '.join(OFFICIAL)}") from None
    return parse_config(path.read_text(encoding="utf-8"), path)


def files_of_model(config: ModelConfig) -> tuple[WeightSpec, ...]:
    """Return the weight files that the model's spaces read, each once, only for the modalities that the model uses.

    Undeclared spaces have no files.
    """
    wanted: dict[str, None] = {}
    for space in config.projectors:
        for part, names in SPACES[space].weights.items() if space in SPACES else ():
            if space in config.spaces(part):
                wanted |= dict.fromkeys(names)
    return tuple(FILES[name] for name in wanted)


def install(name: str, settings: Settings) -> Path:
    """Import a published model from its pulled file, unless it is imported already; return its folder.

    Raises:
        ModelMissingError: the file is not on this machine.
        WeightsError: the file is damaged, or holds other objects than tensors.
        CheckpointError: tensors are missing or of another shape; names each.
    """
    from omnisearch.binding.official_checkpoint import import_file

    folder = models_dir(settings) / name
    if not (folder / folder_names.CONFIG).is_file():
        import_file(resolve(RELEASED[name], settings), folder)
    return folder
