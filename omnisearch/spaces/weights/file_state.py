"""The state of a weight file on this machine."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from omnisearch.config import Settings
from omnisearch.errors import ModelMissingError, WeightsError
from omnisearch.spaces.weights.spec import WeightSpec, resolve


@dataclass(frozen=True)
class FileState:
    """A weight file here or not: `size` in bytes, None while it is unknown, and `path`, or the `problem`."""

    spec: WeightSpec
    size: int | None
    path: Path | None
    problem: ModelMissingError | WeightsError | None

    @property
    def missing(self) -> bool:
        """Whether the file is not on this machine."""
        return isinstance(self.problem, ModelMissingError)


def file_state(
    spec: WeightSpec, settings: Settings, check: Callable[[WeightSpec, Path], object] = lambda *_: None
) -> FileState:
    """Return the state of a file. Its size is compared with that of its spec; `check` may read its content too.

    Raises:
        WeightsError: the lock file cannot be read.
    """
    path: Path | None = None
    problem: ModelMissingError | WeightsError | None = None
    size = spec.held_to(settings.weights_dir)[1]
    try:
        path = resolve(spec, settings)
        size = size or path.stat().st_size
        check(spec, path)
    except (ModelMissingError, WeightsError) as error:
        path, problem = None, error
    return FileState(spec, size, path, problem)
