"""The model `mini` as the loops of peers call it: prepared pictures and texts in, unit vectors out."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image

from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.spaces.families import efficientnet
from omnisearch.types import Floats, Modality, Pixels, Role


def prepare(image: Image.Image) -> Pixels:
    """Return the pixels that the image tower reads: uint8 (260, 260, 3). Peers call it in their loading threads."""
    return efficientnet.prepare(np.asarray(image.convert("RGB")))


@cache
def model() -> OmniBind:
    """Return the model, with its towers of images and texts loaded."""
    settings = load_settings(model="mini")
    loaded = OmniBind.load(settings.model, settings)
    loaded.encode(Modality.IMAGE, [np.zeros((efficientnet.SIDE, efficientnet.SIDE, 3), np.uint8)], Role.DOCUMENT)
    loaded.encode(Modality.TEXT, ["warm up"], Role.QUERY)
    return loaded


def embed_images(prepared: Sequence[Pixels]) -> Floats:
    """Embed prepared pictures: float32 (n, 384)."""
    return model().encode(Modality.IMAGE, list(prepared), Role.DOCUMENT)


def embed_texts(texts: Sequence[str]) -> Floats:
    """Embed texts: float32 (n, 384)."""
    return model().encode(Modality.TEXT, list(texts), Role.QUERY)
