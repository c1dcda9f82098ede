"""Pictures of a 3D object: surfaces by ray casting, bare points as discs."""

import numpy as np

from omnisearch.media.drawing.points import MOST, Discs
from omnisearch.media.drawing.rays import UntraceableError
from omnisearch.media.drawing.triangles import Tracing
from omnisearch.media.surface import GREY, Samples, Triangles, sample
from omnisearch.types import Floats, Pixels

VIEWS = 8
SIDE = 224


class Drawing:
    """Draws one object: the triangles of a surface, or bare points.

    `notes` receives a note if a surface is drawn as points, because its triangles cannot be traced.
    """

    def __init__(self, shape: list[Triangles] | Samples, notes: list[str]) -> None:
        self._shape, self._notes = shape, notes
        self._drawn: Tracing | Discs = Discs(shape) if isinstance(shape, Samples) else self._tracing(shape)

    def views(self, views: int = VIEWS, side: int = SIDE) -> Pixels:
        """Draw the object on white from `views` azimuths around its y axis, slightly from above.

        Returns:
            uint8 (views, side, side, 3).
        """
        return np.stack([_bytes(seen[:3] + (1 - seen[3])) for seen in self._pictures(views, side)])

    def poster(self, side: int) -> Pixels:
        """Draw the first view on a transparent ground.

        Returns:
            uint8 (side, side, 4), RGBA.
        """
        (seen,) = self._pictures(1, side)
        color = np.where(seen[3] > 0, seen[:3] / np.maximum(seen[3], 1e-6), GREY)
        return _bytes(np.concatenate([color, seen[3:]]))

    def _pictures(self, views: int, side: int) -> list[Floats]:
        try:
            return list(self._drawn.pictures(views, side))
        except UntraceableError as error:
            self._drawn = self._discs(error)
            return list(self._drawn.pictures(views, side))

    def _tracing(self, parts: list[Triangles]) -> Tracing | Discs:
        try:
            return Tracing(parts)
        except UntraceableError as error:
            return self._discs(error)

    def _discs(self, reason: UntraceableError) -> Discs:
        self._notes.append(f"drawn as points, because {reason}")
        return Discs(self._shape if isinstance(self._shape, Samples) else sample(self._shape, MOST))


def _bytes(picture: Floats) -> Pixels:
    """Values (k, side, side) in [0, 1] as uint8 (side, side, k)."""
    values = (picture * 255 + 0.5).clip(0, 255).astype(np.uint8)
    return np.ascontiguousarray(values.transpose(1, 2, 0))
