"""Warm-up: load the encoders of media before the first query needs them, by encoding a small input with each."""

from collections.abc import Iterable, Mapping

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.types import Clip, Content, Modality, PointCloud, Role, Waveform

_PICTURES = np.zeros((2, 64, 64, 3), np.uint8)
_SILENCE = Waveform(np.zeros(16_000, np.float32), 16_000)
_POINTS = np.random.default_rng(0).uniform(-0.5, 0.5, (2048, 3)).astype(np.float32)
SMALL: Mapping[Modality, Content] = {
    Modality.TEXT: "warm up",
    Modality.IMAGE: _PICTURES[0],
    Modality.AUDIO: _SILENCE,
    Modality.VIDEO: Clip(_PICTURES, _SILENCE),
    Modality.POINT_CLOUD: PointCloud(_POINTS, None, _PICTURES),
}


def warm(model: OmniBind, modalities: Iterable[Modality]) -> None:
    """Load the encoders of those of the modalities that the model embeds: all that a query may need.

    A learned router may choose any tower for another query, so all of its towers run here, whatever it chooses now.
    """
    for modality in modalities:
        if modality in model.modalities:
            parts = model.config.video if modality is Modality.VIDEO else (modality,)
            share = None if any(model.config.reads(part) for part in parts) else model.share
            model.bind(modality, model.encode_spaces(modality, [SMALL[modality]], Role.QUERY, share))
