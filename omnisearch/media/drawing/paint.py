"""The colour and the normal of any place on triangles, from those of their corners and from textures."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from omnisearch.media.surface import Triangles, look_up
from omnisearch.types import Floats


class Paint:
    """The looks of several parts, whose triangles are numbered through. Values are in columns, (k, n) of n places.

    `is_opaque`: nothing is seen through them. A part or texture whose opacity is 0 everywhere is drawn as opaque.
    """

    def __init__(self, parts: Sequence[Triangles]) -> None:
        self._starts = np.cumsum([0, *(len(part.corners) for part in parts)])
        self._normals = _edges(np.concatenate([part.normals for part in parts]))
        colors = [part.colors for part in parts]
        if all(color.strides[1] == 0 for color in colors):
            colors = [color[:, :1] for color in colors]  # the three corners of each triangle share a colour
        together = np.concatenate(colors).astype(np.float32, copy=False).clip(0, 1)
        for start, end in zip(self._starts, self._starts[1:], strict=False):
            if not together[start:end, :, 3].any():
                together[start:end, :, 3] = 1
        self._colors = _edges(together)
        self._textured = [
            (number, _edges(part.uv), part.texture)
            for number, part in enumerate(parts)
            if part.texture is not None and part.uv is not None
        ]
        self.is_opaque = together[..., 3].min() >= 1 and all(_is_opaque(texture) for _, _, texture in self._textured)

    def at(self, triangle: NDArray[np.int32], a: Floats, b: Floats) -> tuple[Floats, Floats]:
        """RGBA (4, n) in [0, 1] and normals (3, n) where `a` and `b` (n,) weigh a triangle's last two corners."""
        colors = _mix(self._colors, triangle, a, b)
        if self._textured:
            self._multiply_textures(colors, triangle, a, b)
        return colors, _mix(self._normals, triangle, a, b)

    def _multiply_textures(self, colors: Floats, triangle: NDArray[np.int32], a: Floats, b: Floats) -> None:
        order = np.argsort(triangle) if len(self._starts) > 2 else np.arange(len(triangle))
        bounds = np.searchsorted(triangle[order], self._starts)  # of the parts, in this order
        for number, uv, texture in self._textured:
            here = order[bounds[number] : bounds[number + 1]]
            if len(here):
                found = look_up(texture, _mix(uv, triangle[here] - self._starts[number], a[here], b[here]).T).T
                if not texture[..., 3].any():
                    found[3] = 1
                colors[:, here] *= found


def _edges(corners: Floats) -> Floats:
    """The first corner and the ways from it to the others, (3, k, f), of corners (f, 3, k); (1, k, f) of (f, 1, k)."""
    columns = np.ascontiguousarray(corners.transpose(1, 2, 0))
    columns[1:] -= columns[0]
    return columns


def _mix(edges: Floats, triangle: NDArray[np.integer], a: Floats, b: Floats) -> Floats:
    mixed: Floats = edges[0].take(triangle, axis=1)
    for way, weight in zip(edges[1:], (a, b), strict=False):
        mixed += weight * way.take(triangle, axis=1)
    return mixed


def _is_opaque(texture: NDArray[np.uint8]) -> bool:
    return texture[..., 3].min() == 255 or not texture[..., 3].any()
