"""Models by name: their spaces, sizes and licences, and whether they are ready. Needs no weights."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from omnisearch.binding import folder_names, installed
from omnisearch.binding.config import ModelConfig
from omnisearch.binding.official import OFFICIAL
from omnisearch.config import Settings
from omnisearch.errors import ModelMissingError
from omnisearch.spaces.base import SpaceSpec
from omnisearch.spaces.registry import SPACES
from omnisearch.spaces.towers import TOWERS
from omnisearch.spaces.weights.file_state import FileState, file_state
from omnisearch.spaces.weights.licences import non_commercial
from omnisearch.spaces.weights.spec import WeightSpec


@dataclass(frozen=True)
class ModelFacts:
    """A model on this machine.

    `spaces` are those that it binds, `commercial` whether all their licences allow commercial use. `problem` says why
    the model cannot be loaded, and `command` is the command that makes it ready, if one is enough.
    """

    name: str
    config: ModelConfig
    configured: bool
    spaces: tuple[SpaceSpec, ...]
    commercial: bool
    files: tuple[FileState, ...]
    problem: str | None
    command: str | None

    @property
    def size(self) -> int | None:
        """The bytes of the weight files; None while the size of one is unknown."""
        return add_sizes(file.size for file in self.files)

    @property
    def estimate(self) -> int:
        """An estimate of `size`: the bytes of the towers' parameters, in half precision where a tower has one."""
        parts = self.config.branches
        names = {SPACES[space].towers[part] for part in parts for space in self.config.spaces(part)}
        return sum(TOWERS[name].parameters * (2 if TOWERS[name].half else 4) for name in names)

    @property
    def to_download(self) -> int | None:
        """The bytes of the weight files that are not on this machine; None while the size of one is unknown."""
        return add_sizes(file.size for file in self.files if file.problem)


def known_models(settings: Settings) -> Mapping[str, str]:
    """Return the names of all models, and for each the name or the folder that loads it.

    They are the shipped, the imported and the published models, and the configured one.
    """
    folders = (folder_names.SHIPPED, installed.models_dir(settings))
    names = [path.parent.name for folder in folders for path in sorted(folder.glob(f"*/{folder_names.CONFIG}"))]
    known = {name: name for name in (*names, *OFFICIAL)}
    try:
        configured = installed.find_config(settings.model, settings).name
    except ModelMissingError:
        return known
    return known | {configured: settings.model}


def model_facts(name: str, settings: Settings) -> ModelFacts:
    """Describe one of the known models.

    Raises:
        KeyError: no known model has this name.
        ModelMissingError: it binds a space that is not declared.
        CheckpointError: its configuration cannot be read.
        WeightsError: the lock file of the weights cannot be read.
    """
    source = known_models(settings)[name]
    config = installed.find_config(source, settings)
    unknown = [space for space in config.projectors if space not in SPACES]
    if unknown:
        raise ModelMissingError(f"model {config.name} binds spaces that are not declared: {', '.join(unknown)}")
    spaces = tuple(SPACES[space] for space in config.projectors)
    files = tuple(file_state(spec, settings) for spec in weight_files(name, config, settings))
    problem, command = _problem(name, source, files, settings)
    configured = source == settings.model
    return ModelFacts(name, config, configured, spaces, not non_commercial(spaces), files, problem, command)


def weight_files(name: str, config: ModelConfig, settings: Settings) -> tuple[WeightSpec, ...]:
    """Return the weight files of a model, and the authors' file of a published model that is not imported yet."""
    files = installed.files_of_model(config)
    if name not in installed.RELEASED or (installed.models_dir(settings) / name / folder_names.CONFIG).is_file():
        return files
    return (installed.RELEASED[name], *files)


def _problem(name: str, source: str, files: tuple[FileState, ...], settings: Settings) -> tuple[str | None, str | None]:
    """Return why a model cannot be loaded, and the command that makes it ready."""
    folder_of_user = source != name
    pull = "omnisearch models pull" if folder_of_user else f"omnisearch models pull {name}"
    damaged = next((str(file.problem) for file in files if file.problem and not file.missing), None)
    if damaged:
        return damaged, None
    missing = [file.spec for file in files if file.missing]
    if any(spec.packaged for spec in missing):
        return next(str(file.problem) for file in files if file.spec.packaged and file.missing), None
    if missing:
        return f"{len(missing)} of {len(files)} weight files are not on this machine: run `{pull}`", pull
    try:
        installed.find(source, settings)
    except ModelMissingError as error:
        return str(error), pull if name in OFFICIAL else installed.training_command(name)
    return None, None


def add_sizes(sizes: Iterable[int | None]) -> int | None:
    """Add sizes in bytes; the sum is None if one of them is unknown."""
    known = list(sizes)
    return None if None in known else sum(size for size in known if size is not None)
