"""One lamp above the left shoulder of the camera, ambient light, and a little gloss."""

import numpy as np

from omnisearch.media.drawing.camera import along
from omnisearch.types import Floats

AMBIENT, KEY, SHEEN = 0.55, 0.45, 0.15
_LAMP = (np.array([-0.45, 0.7, 0.75]) / np.linalg.norm([-0.45, 0.7, 0.75])).astype(np.float32)


def lit(colors: Floats, normals: Floats, turn: Floats) -> Floats:
    """Lambert shading of `colors` (3, n) with `normals` (3, n) of any length; `turn` is the camera's.

    Both sides of a sheet are lit.
    """
    towards_lamp = along((_LAMP @ turn).astype(np.float32), normals) * np.sign(along(turn[2], normals))
    length = np.sqrt(np.einsum("ij,ij->j", normals, normals)) + np.float32(1e-12)
    light = np.maximum(towards_lamp / length, 0)
    shaded = colors * (AMBIENT + KEY * light)
    glossy: Floats = shaded + SHEEN * light**2 * (1 - shaded)  # gloss shows the shape of black objects
    return glossy
