"""Pull models: fetch their weight files, import published ones, and check that they work. Serves commands and jobs."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from omnisearch.binding.installed import RELEASED, install
from omnisearch.binding.needed_weights import needed_files
from omnisearch.config import Settings
from omnisearch.errors import OmnisearchError, StoppedError
from omnisearch.meter import Meter
from omnisearch.spaces.weights import pull
from omnisearch.spaces.weights.spec import WeightSpec

if TYPE_CHECKING:
    from omnisearch.binding.self_check import Report

# Returns the meter of a task, given its name, such as "calibrating". The meter counts samples.
Metered: TypeAlias = Callable[[str], AbstractContextManager[Meter]]


@dataclass(frozen=True)
class Pulled:
    """The weight files of a pull, and the folders of the published models that it imported, by name."""

    files: tuple[WeightSpec, ...]
    imported: Mapping[str, Path]


@dataclass(frozen=True)
class Checked:
    """The outcome of the check of a pulled model: a report, or the `problem` that prevented the check."""

    model: str
    report: "Report | None"
    problem: str | None


def pull_files(names: Sequence[str] | None, every: bool, settings: Settings, begin: pull.Begin) -> Pulled:
    """Fetch the weight files of files, spaces and models, and import published models; names as in `needed_files`.

    Existing files are checked and kept, so an interrupted pull is resumed.

    Raises:
        OmnisearchError: as `needed_files`, `pull_all` and `install`.
    """
    files = needed_files(names, every, settings)
    pull.pull_all(files, settings, begin)
    released = [name for name in names or (settings.model,) if name in RELEASED]
    return Pulled(files, {name: install(name, settings) for name in released})


def check_pulled(model: str, settings: Settings, metered: Metered) -> Checked:
    """Calibrate a model if that was not done yet, and check it with things that ship. Errors are its outcome.

    Raises:
        StoppedError: a meter raised it.
    """
    from omnisearch.binding.model import OmniBind
    from omnisearch.binding.self_check import check_model

    try:
        with metered("calibrating") as meter:
            bound = OmniBind.load(model, settings, meter=meter)
        with metered("checking") as meter:
            return Checked(bound.name, check_model(bound, meter), None)
    except StoppedError:
        raise
    except OmnisearchError as error:
        return Checked(model, None, str(error))
