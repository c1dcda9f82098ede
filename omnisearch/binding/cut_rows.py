"""Cut rows: the first numbers of embeddings, and of space embeddings, from which a model binds cut vectors exactly."""

import numpy as np

from omnisearch.binding.config import IdentityConfig, ModelConfig
from omnisearch.config import Settings
from omnisearch.errors import SettingsError
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats, Modality


def chosen_dim(config: ModelConfig, settings: Settings) -> int:
    """Return the width of the settings, or the full width of the model.

    Raises:
        SettingsError: the model's embeddings cannot be cut to it.
    """
    widths = (config.dim, *config.widths)
    if settings.dim is None or settings.dim in widths:
        return settings.dim or config.dim
    allowed = ", ".join(map(str, widths))
    raise SettingsError(f"setting dim = {settings.dim}: the vectors of {config.name} can have {allowed} dimensions")


def is_exact(config: ModelConfig, part: Modality) -> bool:
    """Return whether cut rows of a part are enough to bind it.

    They are if the part reads one space, which has no projector: fusion then only scales the row and subtracts the
    mean, number by number, so the first numbers of the result depend on no others.
    """
    spaces = config.spaces(part)
    return len(spaces) == 1 and not config.reads(part) and isinstance(config.projectors[spaces[0]], IdentityConfig)


def cut(rows: Floats, dim: int) -> Floats:
    """Return the first `dim` numbers of the unit rows of `rows` (n, width), not scaled to unit length: (n, dim).

    The mean is subtracted from a unit row of the full width, so the length of what is kept must be known.
    """
    return unit(rows)[:, :dim]


def restore(rows: Floats, width: int) -> Floats:
    """Return unit rows (n, width) that begin with cut rows (n, dim); zero rows stay zero.

    One number behind the cut has the rest of the length. Its place has no meaning.
    """
    whole = np.zeros((len(rows), width), np.float32)
    dim = rows.shape[1]
    whole[:, :dim] = rows
    rest = 1 - (rows.astype(np.float64) ** 2).sum(axis=1)
    whole[:, dim] = np.where(rows.any(axis=1), np.sqrt(rest.clip(min=0)), 0)
    return whole
