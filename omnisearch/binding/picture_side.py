"""The pixels of a picture that the towers of a model read, so that decoders do not make more of them."""

from omnisearch.binding.installed import find_config
from omnisearch.config import Settings
from omnisearch.errors import CheckpointError, ModelMissingError
from omnisearch.spaces.registry import SPACES
from omnisearch.spaces.towers import TOWERS
from omnisearch.types import Modality


def picture_side(settings: Settings) -> int | None:
    """Return the largest shorter side that the image towers of the settings' model read.

    None if a tower reads pictures of any size, or if the model embeds no pictures or cannot be found.
    """
    try:
        config = find_config(settings.model, settings)
    except (ModelMissingError, CheckpointError):
        return None
    spaces = config.spaces(Modality.IMAGE)
    if not spaces or not all(space in SPACES for space in spaces):
        return None
    sides = [TOWERS[SPACES[space].towers[Modality.IMAGE]].side for space in spaces]
    return max(sides) if all(sides) else None
